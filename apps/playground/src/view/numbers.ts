/** Bytes in a readable unit. */
export function bytes(count: number): string {
  if (count < 1000) return `${Math.round(count)} B`
  if (count < 1e6) return `${trim(count / 1000)} kB`
  return `${trim(count / 1e6)} MB`
}

const raised: Readonly<Record<string, string>> = {
  '-': '⁻',
  0: '⁰',
  1: '¹',
  2: '²',
  3: '³',
  4: '⁴',
  5: '⁵',
  6: '⁶',
  7: '⁷',
  8: '⁸',
  9: '⁹',
}

/** Three significant digits. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e5 || size < 1e-3) {
    const [factor = '', exponent = ''] = value.toExponential(1).split('e')
    return `${factor} · 10${[...exponent.replace('+', '')].map((sign) => raised[sign]).join('')}`
  }
  return trim(value)
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function trim(value: number): string {
  return value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString()
}
