import { TesseraError } from '@tessera-llm/tensor'
import type { Shape } from '@tessera-llm/tensor'
import type { ByteSource } from '../source/source.ts'
import type { StoredTensor } from './checkpoint.ts'

/** A tensor whose data start at byte `start` of `source`. */
export function storedTensor(
  source: ByteSource,
  name: string,
  shape: Shape,
  format: string,
  start: number,
  byteLength: number,
): StoredTensor {
  const check = (offset: number, length: number): void => {
    const valid =
      Number.isSafeInteger(offset) &&
      Number.isSafeInteger(length) &&
      offset >= 0 &&
      length >= 0 &&
      offset + length <= byteLength
    if (!valid)
      throw new TesseraError(
        'invalid-value',
        `read: bytes ${offset} to ${offset + length} are outside tensor "${name}", which has ${byteLength} bytes`,
      )
  }
  const { readInto } = source
  return {
    name,
    shape,
    format,
    byteLength,
    async read(offset: number = 0, length: number = byteLength - offset, signal?: AbortSignal): Promise<Uint8Array> {
      check(offset, length)
      return source.read(start + offset, length, signal)
    },
    ...(readInto && {
      async readInto(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> {
        check(offset, target.length)
        await readInto.call(source, target, start + offset, signal)
      },
    }),
  }
}
