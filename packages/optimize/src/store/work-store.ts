/** Where results are kept while a recipe is applied, so that an interrupted run goes on where it was. A value is there whole or not at all. */
export interface WorkStore {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Says what is to be kept here: what was kept for anything else is thrown away. */
  claim(identity: string): Promise<void>
}

/** `claim` of a store that can forget everything. */
export async function claimStore(
  store: Omit<WorkStore, 'claim'>,
  clear: () => Promise<void>,
  identity: string,
): Promise<void> {
  const bytes = await store.get('identity')
  if (bytes && new TextDecoder().decode(bytes) === identity) return
  await clear()
  await store.put('identity', new TextEncoder().encode(identity))
}

/** Keeps results in memory: nothing outlives the process. */
export function memoryStore(): WorkStore {
  const kept = new Map<string, Uint8Array>()
  const store: Omit<WorkStore, 'claim'> = {
    get: async (key) => kept.get(key),
    put: async (key, bytes) => void kept.set(key, bytes),
  }
  return { ...store, claim: (identity) => claimStore(store, async () => kept.clear(), identity) }
}
