/**
 * Storage of intermediate results while a recipe is applied, so that an interrupted run can resume. Writes are atomic.
 */
export interface WorkStore {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Sets the identity of the results; results of another identity are deleted. */
  claim(identity: string): Promise<void>
}

/** Implements `claim` for a store that can delete all its contents. */
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

/** Stores results in memory. */
export function memoryStore(): WorkStore {
  const kept = new Map<string, Uint8Array>()
  const store: Omit<WorkStore, 'claim'> = {
    get: async (key) => kept.get(key),
    put: async (key, bytes) => void kept.set(key, bytes),
  }
  return { ...store, claim: (identity) => claimStore(store, async () => kept.clear(), identity) }
}
