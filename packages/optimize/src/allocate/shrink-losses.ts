/** Shrinking three values or fewer towards their estimated mean gains nothing (James and Stein 1961). */
const fewest = 4

/**
 * Shrinks the losses of weights of one kind (`layers.*.mlp.up`) towards each other: they are similar, and a few tokens
 * measure their differences with much noise. The logarithms of the losses move towards their mean by the noise's share
 * of their variance: the positive-part estimator of Efron and Morris ("Stein's Estimation Rule and Its Competitors",
 * JASA 68, 1973). The noise is the residual of runs of tokens after the part that all weights of the kind share, pooled
 * over the kind. The sum over a kind is preserved.
 *
 * @param runs measurements on runs of tokens, the same for all, by the name of the rounded weight
 * @returns for each weight the shrunk mean over runs
 */
export function shrinkLosses(runs: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, number> {
  const kinds = new Map<string, string[]>()
  for (const [name, values] of runs) {
    const kind = name.replace(/\d+/g, '*')
    // A loss of zero has no logarithm and stays.
    if (meanOf(values) > 0) kinds.set(kind, [...(kinds.get(kind) ?? []), name])
  }
  const estimated = new Map([...runs].map(([name, values]) => [name, meanOf(values)]))
  for (const names of kinds.values()) {
    if (names.length < fewest) continue
    const drawn = shrinkKind(names.map((name) => runs.get(name) as readonly number[]))
    for (const [index, name] of names.entries()) estimated.set(name, drawn[index] as number)
  }
  return estimated
}

function shrinkKind(runs: readonly (readonly number[])[]): readonly number[] {
  const means = runs.map(meanOf)
  const logs = means.map(Math.log)
  const center = meanOf(logs)
  const spread = logs.reduce((sum, log) => sum + (log - center) ** 2, 0) / (logs.length - 1)
  const noise = relativeNoise(runs.map((values, index) => values.map((value) => value / (means[index] as number))))
  const share = spread > 0 ? Math.min(1, ((logs.length - 3) / (logs.length - 1)) * (noise / spread)) : 1
  const drawn = logs.map((log) => Math.exp(center + (1 - share) * (log - center)))
  const scale = meanOf(means) / meanOf(drawn)
  return drawn.map((value) => value * scale)
}

/** Variance of a weight's mean over runs, pooled over weights, without the difficulty of runs that all share. */
function relativeNoise(relative: readonly (readonly number[])[]): number {
  const count = relative[0]?.length ?? 0
  if (count < 2) return 0
  const common = Array.from({ length: count }, (_, run) => meanOf(relative.map((values) => values[run] as number)))
  let sum = 0
  for (const values of relative)
    for (const [run, value] of values.entries()) sum += (value - (common[run] as number)) ** 2
  return sum / ((relative.length - 1) * count * (count - 1))
}

/** Means over `count` runs of consecutive values. */
export function meansOfRuns(values: Float64Array, count: number): readonly number[] {
  return Array.from({ length: count }, (_, run) =>
    meanOf([
      ...values.subarray(Math.floor((run * values.length) / count), Math.floor(((run + 1) * values.length) / count)),
    ]),
  )
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
