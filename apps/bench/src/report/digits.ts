/** Three significant digits, without an exponent. */
export function digits(value: number): string {
  return value === 0 ? '0' : value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
