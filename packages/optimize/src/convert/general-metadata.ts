import type { Checkpoint, GgufValue } from '@tessera-llm/formats'
import { text, u32 } from './values.ts'

/** Numbers of llama.cpp for the format of most weights. */
const fileTypes: Readonly<Record<string, number>> = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q4_1: 3,
  q8_0: 7,
  q5_0: 8,
  q5_1: 9,
  bf16: 32,
}

/** The keys `general.*` of a GGUF file with the weights of `checkpoint`. */
export function generalMetadata(
  architecture: string,
  name: string | undefined,
  { tensors }: Checkpoint,
): readonly (readonly [string, GgufValue])[] {
  const sizes = new Map<string, number>()
  for (const { format, byteLength } of tensors.values()) sizes.set(format, (sizes.get(format) ?? 0) + byteLength)
  const most = [...sizes].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'f32'
  const isQuantized = !['f32', 'f16', 'bf16'].includes(most)
  return [
    ['general.architecture', text(architecture)],
    ['general.type', text('model')],
    ...(name === undefined ? [] : [['general.name', text(name)] as const]),
    ...(fileTypes[most] === undefined ? [] : [['general.file_type', u32(fileTypes[most])] as const]),
    ...(isQuantized ? [['general.quantization_version', u32(2)] as const] : []),
  ]
}
