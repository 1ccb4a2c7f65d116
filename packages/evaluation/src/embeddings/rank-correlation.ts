/**
 * Spearman's rank correlation of two lists of equal length; ties share the mean of their ranks. NaN if a list is
 * constant.
 */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [ranksOf(a), ranksOf(b)]
  // Ranks, shared ones included, have the same mean in every list of this length.
  const mean = (x.length - 1) / 2
  let both = 0
  let squaresX = 0
  let squaresY = 0
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [(x[i] as number) - mean, (y[i] as number) - mean]
    both += dx * dy
    squaresX += dx * dx
    squaresY += dy * dy
  }
  return both / Math.sqrt(squaresX * squaresY)
}

function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, index) => index).sort(
    (i, j) => (values[i] as number) - (values[j] as number),
  )
  const ranks = new Float64Array(values.length)
  for (let begin = 0, end = 0; begin < order.length; begin = end) {
    while (end < order.length && values[order[end] as number] === values[order[begin] as number]) end++
    for (let at = begin; at < end; at++) ranks[order[at] as number] = (begin + end - 1) / 2
  }
  return ranks
}
