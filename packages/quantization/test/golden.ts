import { readFileSync } from 'node:fs'

/** Raw bytes of every tensor of a golden safetensors file beside this module. */
export function loadGolden(
  name: string,
): ReadonlyMap<string, { readonly shape: readonly number[]; readonly bytes: Uint8Array }> {
  const file = readFileSync(new URL(`golden/${name}.safetensors`, import.meta.url))
  const headerBytes = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >
  const tensors = new Map<string, { shape: readonly number[]; bytes: Uint8Array }>()
  for (const [tensor, entry] of Object.entries(header)) {
    if (tensor === '__metadata__') continue
    const [start, end] = entry.data_offsets
    tensors.set(tensor, {
      shape: entry.shape,
      bytes: new Uint8Array(file.subarray(8 + headerBytes + start, 8 + headerBytes + end)),
    })
  }
  return tensors
}

/** The cases of a golden JSON file beside this module. */
export function loadCases<T>(name: string): readonly T[] {
  return (JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')) as { cases: T[] }).cases
}
