/** Rank of the merge of two neighbouring symbols, lower ranks first; undefined if they do not merge. */
export type RankOf = (left: string, right: string) => number | undefined

interface Candidate {
  readonly rank: number
  readonly left: number
  readonly right: number
  readonly text: string
}

/**
 * Byte-pair encoding of one piece (Sennrich et al. 2016): repeatedly merges the neighbours of lowest rank, leftmost
 * first. A heap over a linked list makes it O(n log n), so that a piece of a hundred thousand equal characters does not
 * stall.
 */
export function mergePairs(symbols: readonly string[], rankOf: RankOf): string[] {
  const texts: (string | undefined)[] = [...symbols]
  const next = symbols.map((_, index) => index + 1)
  const previous = symbols.map((_, index) => index - 1)
  const heap: Candidate[] = []
  const consider = (left: number, right: number): void => {
    if (left < 0 || right >= texts.length) return
    const a = texts[left] as string
    const b = texts[right] as string
    const rank = rankOf(a, b)
    if (rank !== undefined) push(heap, { rank, left, right, text: a + b })
  }
  for (let index = 0; index + 1 < symbols.length; index++) consider(index, index + 1)
  for (let best = pop(heap); best; best = pop(heap)) {
    const { left, right, text } = best
    // The pair is stale if either side has been merged since.
    if (
      texts[left] === undefined ||
      texts[right] === undefined ||
      next[left] !== right ||
      (texts[left] as string) + (texts[right] as string) !== text
    )
      continue
    texts[left] = text
    texts[right] = undefined
    const after = next[right] as number
    next[left] = after
    if (after < texts.length) previous[after] = left
    consider(previous[left] as number, left)
    consider(left, after)
  }
  return texts.filter((text) => text !== undefined)
}

function before(a: Candidate, b: Candidate): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.left < b.left)
}

function push(heap: Candidate[], item: Candidate): void {
  let index = heap.push(item) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!before(item, heap[parent] as Candidate)) break
    heap[index] = heap[parent] as Candidate
    index = parent
  }
  heap[index] = item
}

function pop(heap: Candidate[]): Candidate | undefined {
  const top = heap[0]
  const last = heap.pop()
  if (top === undefined || last === undefined || heap.length === 0) return top
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1] as Candidate, heap[child] as Candidate)) child += 1
    if (!before(heap[child] as Candidate, last)) break
    heap[index] = heap[child] as Candidate
    index = child
  }
  heap[index] = last
  return top
}
