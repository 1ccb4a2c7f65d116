/**
 * The end of a sentence about an unknown name: `; did you mean gptq?` where a known name is near, else a full stop.
 * Near is a name that the other begins with, or one within a third of the letters by edits: letters inserted, left out,
 * replaced, or neighbours swapped (optimal string alignment). Case does not count; of equally near names the first
 * counts.
 */
export function didYouMean(name: string, known: Iterable<string>): string {
  const given = name.toLowerCase()
  let best: string | undefined
  let least = Math.max(1, Math.round(given.length / 3)) + 1
  for (const candidate of known) {
    const distance = distanceOf(given, candidate.toLowerCase())
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  return best === undefined ? '.' : `; did you mean ${best}?`
}

function distanceOf(a: string, b: string): number {
  // One name that goes on where the other ends counts as one edit: window for window_size.
  const isPrefix = Math.min(a.length, b.length) >= 3 && (a.startsWith(b) || b.startsWith(a))
  return isPrefix ? Math.min(1, Math.abs(a.length - b.length)) : edits(a, b)
}

function edits(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swaps = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = swaps ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY
      row.push(Math.min(replaced, (last[j] as number) + 1, (row[j - 1] as number) + 1, swapped))
    }
    before = last
    last = row
  }
  return last[b.length] as number
}
