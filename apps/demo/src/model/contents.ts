import type { Checkpoint } from '@tessera-llm/formats'

/** Contents of a checkpoint, from its headers. */
export interface Contents {
  readonly parameters: number
  /** Bytes by storage format, the largest first. */
  readonly formats: readonly { readonly format: string; readonly bytes: number }[]
}

export function contentsOf({ tensors }: Pick<Checkpoint, 'tensors'>): Contents {
  const bytesByFormat = new Map<string, number>()
  let parameters = 0
  for (const { shape, format, byteLength } of tensors.values()) {
    parameters += shape.reduce((product, length) => product * length, 1)
    bytesByFormat.set(format, (bytesByFormat.get(format) ?? 0) + byteLength)
  }
  const formats = [...bytesByFormat].map(([format, bytes]) => ({ format, bytes })).sort((a, b) => b.bytes - a.bytes)
  return { parameters, formats }
}
