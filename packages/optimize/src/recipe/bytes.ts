const units: Readonly<Record<string, number>> = { '': 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30 }

/** Bytes that a text such as `60MB` (10⁶), `60 MiB` (2²⁰) or `1.5GB` names; undefined for anything else. */
export function parseBytes(value: number | string): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value > 0 ? Math.floor(value) : undefined
  const found = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b)?$/i.exec(value.trim())
  const unit = units[(found?.[2] ?? '').toUpperCase()]
  if (!found || unit === undefined) return undefined
  const bytes = Math.floor(Number(found[1]) * unit)
  return bytes > 0 ? bytes : undefined
}
