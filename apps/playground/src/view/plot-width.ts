/** Units across a plot: fewer on a phone, where its text would be too small to read. */
export function plotWidth(): number {
  return globalThis.innerWidth < 640 ? 360 : 640
}
