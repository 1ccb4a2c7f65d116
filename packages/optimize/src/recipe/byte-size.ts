import { didYouMean, TesseraError } from '@tessera-llm/tensor'

/** Bytes of a unit: powers of ten for kB, MB and GB (SI), of two for KiB, MiB and GiB (IEC 80000-13). */
const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/**
 * Parses a size such as `60MB`, `57.2 MiB` or `60000000` to bytes, rounded down.
 *
 * @throws TesseraError `invalid-option` for anything but a positive size, with the nearest unit
 */
export function parseByteSize(size: string | number): number {
  const [, digits = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(size)) ?? []
  const known = Object.keys(units)
  if (digits === '')
    throw new TesseraError(
      'invalid-option',
      `size: ${JSON.stringify(size)} is no size; write a number and a unit, such as 60MB or 57.2MiB`,
    )
  // Units are case-insensitive: 60mb is 60MB.
  const name = unit === '' ? 'B' : known.find((each) => each.toLowerCase() === unit.toLowerCase())
  if (name === undefined)
    throw new TesseraError(
      'invalid-option',
      `size: ${JSON.stringify(size)} has the unit ${JSON.stringify(unit)}${didYouMean(unit, known)} Known are ${known.join(', ')}`,
    )
  const bytes = Math.floor(Number(digits) * (units[name] as number))
  if (!(bytes > 0 && Number.isSafeInteger(bytes)))
    throw new TesseraError(
      'invalid-option',
      `size: ${JSON.stringify(size)} is ${bytes} bytes; give a size above zero, such as 60MB`,
    )
  return bytes
}
