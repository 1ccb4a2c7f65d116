import { TesseraError } from '@tessera-llm/tensor'

/** Which pages of a pool are taken, and by how many. Any free page will do for any block: there is nothing to defragment. */
export interface PageList {
  readonly count: number
  readonly free: number
  /** A page that nobody has, now with one owner. Throws `out-of-memory` where there is none. */
  take(): number
  /** One owner more. */
  share(page: number): void
  /** One owner less; without any, the page is free. */
  release(page: number): void
  owners(page: number): number
}

export function createPageList(count: number): PageList {
  const owners = new Uint32Array(count)
  // The last is taken first: what was freed a moment ago may still be in a processor's cache.
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
