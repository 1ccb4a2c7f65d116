import { type DType, sizeOf, TesseraError, viewBytes } from '@tessera-llm/tensor'
import type { HostValue } from '../generate/index.ts'

const dtypeOf: Readonly<Record<string, DType>> = {
  F64: 'f64',
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
  I64: 'i64',
  I32: 'i32',
  I8: 'i8',
  U32: 'u32',
  U8: 'u8',
  BOOL: 'bool',
}

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** Reads all tensors of a safetensors file from this repository. (The reader for untrusted files is in `formats`.) */
export function parseSafetensors(bytes: Uint8Array, name: string): ReadonlyMap<string, HostValue> {
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))) as Record<string, Entry>
  const tensors = new Map<string, HostValue>()
  for (const [tensor, entry] of Object.entries(header)) {
    if (tensor === '__metadata__') continue
    const {
      dtype,
      shape,
      data_offsets: [begin, end],
    } = entry
    // U16 holds bits of 16-bit floats; the case tells which.
    const known = dtype === 'U16' ? 'f16' : dtypeOf[dtype]
    if (known === undefined)
      throw new TesseraError('invalid-file', `golden ${name}: ${tensor} has the dtype ${dtype}; add it to the reader`)
    const data = viewBytes(bytes.subarray(8 + headerLength + begin, 8 + headerLength + end), known)
    if (data.length !== sizeOf(shape))
      throw new TesseraError(
        'invalid-file',
        `golden ${name}: ${tensor} has ${data.length} elements, not ${sizeOf(shape)}`,
      )
    tensors.set(tensor, { dtype: known, shape, data })
  }
  return tensors
}
