import { TesseraError } from '@tessera-llm/tensor'

/** Owner counts of a pool's pages. Any free page fits any block, so there is no fragmentation. */
export interface PageList {
  readonly count: number
  readonly free: number
  /** Takes a free page, which then has one owner. Throws `out-of-memory` if there is none. */
  take(): number
  /** Adds an owner. */
  share(page: number): void
  /** Removes an owner; without owners, the page is free. */
  release(page: number): void
  owners(page: number): number
}

export function createPageList(count: number): PageList {
  const owners = new Uint32Array(count)
  // LIFO: a page freed a moment ago may still be in a processor's cache.
  const free = Array.from({ length: count }, (_, index) => count - 1 - index)
  const check = (page: number): void => {
    if ((owners[page] ?? 0) === 0) throw new TesseraError('invalid-value', `page-list: page ${page} has no owner`)
  }
  return {
    count,
    get free() {
      return free.length
    },
    take() {
      const page = free.pop()
      if (page === undefined)
        throw new TesseraError(
          'out-of-memory',
          `cache: all ${count} pages of the pool are taken; dispose or truncate a sequence, or make a pool of more pages`,
        )
      owners[page] = 1
      return page
    },
    share(page) {
      check(page)
      owners[page] = (owners[page] as number) + 1
    },
    release(page) {
      check(page)
      owners[page] = (owners[page] as number) - 1
      if (owners[page] === 0) free.push(page)
    },
    owners: (page) => owners[page] ?? 0,
  }
}
