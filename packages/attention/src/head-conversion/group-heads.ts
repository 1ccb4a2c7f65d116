import { TesseraError } from '@tessera-llm/tensor'

/** Groups of neighboring KV heads, as the GQA paper (arXiv 2305.13245) pools them. */
export function neighbours(numHeads: number, numGroups: number): readonly (readonly number[])[] {
  const size = numHeads / numGroups
  return Array.from({ length: numGroups }, (_, group) => Array.from({ length: size }, (_, i) => group * size + i))
}

/**
 * Groups of equal size of similar heads 0 … numHeads − 1. Raises the sum of `similarities[i · numHeads + j]` within
 * groups by swapping heads between groups until no swap helps, starting from neighbors and from a greedy choice; the
 * better result wins. Members ascend, as do groups by their first member.
 */
export function groupBySimilarity(
  similarities: Float64Array,
  numHeads: number,
  numGroups: number,
): readonly (readonly number[])[] {
  const like = (i: number, j: number): number => similarities[i * numHeads + j] as number
  const starts = [neighbours(numHeads, numGroups), greedy(like, numHeads, numGroups)]
  const [best] = starts.map((start) => exchange(like, start)).sort((a, b) => within(like, b) - within(like, a))
  return ordered(best as readonly (readonly number[])[])
}

/** Returns the groups. Throws unless each head is in exactly one of `numGroups` groups of equal size. */
export function checkGroups(
  groups: readonly (readonly number[])[],
  numHeads: number,
  numGroups: number,
): readonly (readonly number[])[] {
  const fail = (problem: string): never => {
    throw new TesseraError(
      'invalid-option',
      `convertHeads: groups must put each of the KV heads 0 to ${numHeads - 1} into one of ${numGroups} groups of ${numHeads / numGroups}, but ${problem}`,
    )
  }
  if (groups.length !== numGroups) fail(`there are ${groups.length} groups`)
  const seen = new Set<number>()
  for (const [index, group] of groups.entries()) {
    if (group.length !== numHeads / numGroups) fail(`group ${index} has ${group.length} heads`)
    for (const head of group) {
      if (!Number.isSafeInteger(head) || head < 0 || head >= numHeads) fail(`group ${index} names head ${head}`)
      if (seen.has(head)) fail(`head ${head} is named twice`)
      seen.add(head)
    }
  }
  return groups
}

type Likeness = (i: number, j: number) => number

function greedy(like: Likeness, numHeads: number, numGroups: number): readonly (readonly number[])[] {
  const left = Array.from({ length: numHeads }, (_, head) => head)
  return Array.from({ length: numGroups }, () => {
    const group = [left.shift() as number]
    while (group.length < numHeads / numGroups) {
      const gains = left.map((head) => affinity(like, head, group))
      group.push(...left.splice(gains.indexOf(Math.max(...gains)), 1))
    }
    return group
  })
}

function exchange(like: Likeness, start: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const groups = start.map((group) => [...group])
  for (let improved = true; improved; ) {
    improved = false
    for (const [a, first] of groups.entries()) {
      for (const second of groups.slice(a + 1)) {
        for (let i = 0; i < first.length; i++) {
          for (let j = 0; j < second.length; j++) {
            const [x, y] = [first[i] as number, second[j] as number]
            const [restOfFirst, restOfSecond] = [
              first.filter((head) => head !== x),
              second.filter((head) => head !== y),
            ]
            const gain =
              affinity(like, y, restOfFirst) +
              affinity(like, x, restOfSecond) -
              affinity(like, x, restOfFirst) -
              affinity(like, y, restOfSecond)
            // Must exceed rounding, or two equal arrangements would swap forever.
            if (gain <= 1e-9) continue
            first[i] = y
            second[j] = x
            improved = true
          }
        }
      }
    }
  }
  return groups
}

function affinity(like: Likeness, head: number, group: readonly number[]): number {
  return group.reduce((sum, other) => sum + like(head, other), 0)
}

function within(like: Likeness, groups: readonly (readonly number[])[]): number {
  return groups.reduce(
    (sum, group) =>
      sum +
      group.reduce(
        (inner, head) =>
          inner +
          affinity(
            like,
            head,
            group.filter((other) => other > head),
          ),
        0,
      ),
    0,
  )
}

function ordered(groups: readonly (readonly number[])[]): readonly (readonly number[])[] {
  return groups.map((group) => [...group].sort((a, b) => a - b)).sort((a, b) => (a[0] as number) - (b[0] as number))
}
