/** Values by text, of which the least lately used go when there are too many. */
export interface BoundedCache<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  readonly size: number
  clear(): void
}

/** Options of `createBoundedCache`. */
export interface BoundedCacheOptions<V> {
  /** Most values kept; at least half as many of the latest are. Default 4096. */
  readonly limit?: number | undefined
  /** Called with values that went, many at a time; not by `clear`. */
  readonly drop?: ((values: Iterable<V>) => void) | undefined
}

/**
 * Two generations: when the young one is full it becomes the old one, and what nobody asked for while it was the old
 * one goes. Keeping an exact order would cost two writes for each `get`; here a value in constant use costs one
 * look-up.
 */
export function createBoundedCache<V>({ limit = 4096, drop }: BoundedCacheOptions<V> = {}): BoundedCache<V> {
  let young = new Map<string, V>()
  let old = new Map<string, V>()
  const set = (key: string, value: V): void => {
    young.set(key, value)
    if (young.size <= limit / 2) return
    const gone = old
    old = young
    young = new Map([[key, value]])
    old.delete(key)
    if (gone.size > 0) drop?.(gone.values())
  }
  return {
    get(key) {
      const known = young.get(key)
      if (known !== undefined) return known
      const kept = old.get(key)
      if (kept === undefined) return undefined
      old.delete(key)
      set(key, kept)
      return kept
    },
    set(key, value) {
      old.delete(key)
      set(key, value)
    },
    get size() {
      return young.size + old.size
    },
    clear() {
      young.clear()
      old.clear()
    },
  }
}
