const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `12.3 MiB` */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** `2.76 M` */
export function formatCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} G`
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)} M` : String(count)
}

/** A rate with three digits, or whole: `7.31`, `138`, `2041`. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 100) return perSecond.toFixed(0)
  return perSecond.toFixed(perSecond >= 10 ? 1 : 2)
}

/** `950 µs`, `12.3 ms`, `4.1 s` */
export function formatTime(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  return ms >= 1 ? `${ms.toFixed(ms >= 100 ? 0 : 1)} ms` : `${(ms * 1000).toFixed(0)} µs`
}
