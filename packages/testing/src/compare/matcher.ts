import type {} from 'vitest'
import {
  decodeElements,
  type DType,
  dtypeOfArray,
  sizeOf,
  type Tensor,
  type Tolerance,
  type TypedArray,
} from '@tessera-llm/tensor'
import type { HostValue } from '../generate/index.ts'
import { compare } from './compare.ts'

/** A tensor on a device, a host value, or numbers. */
export type Comparable = Tensor | HostValue | ArrayLike<number>

interface MatcherResult {
  readonly pass: boolean
  readonly message: () => string
}

/**
 * For `expect.extend(referenceMatchers)`, which adds `await expect(tensor).toMatchReference(expected, tolerance)`; the
 * worst element is part of the message.
 */
export const referenceMatchers: {
  toMatchReference(received: Comparable, expected: Comparable, tolerance: Tolerance): Promise<MatcherResult>
} = {
  async toMatchReference(received, expected, tolerance) {
    const gotShape = shapeOf(received)
    const expectedShape = shapeOf(expected)
    if (gotShape && expectedShape && gotShape.join() !== expectedShape.join()) {
      return {
        pass: false,
        message: () => `got shape [${gotShape.join(', ')}], expected [${expectedShape.join(', ')}]`,
      }
    }
    const comparison = compare(await valuesOf(received), await valuesOf(expected), tolerance)
    return { pass: comparison.pass, message: () => comparison.message }
  },
}

/** Values as numbers, read from the device if necessary. */
export async function valuesOf(value: Comparable): Promise<ArrayLike<number>> {
  if (!('dtype' in value)) return value
  return 'device' in value
    ? decoded(await value.device.read(value), value.dtype, sizeOf(value.shape))
    : decoded(value.data, value.dtype, sizeOf(value.shape))
}

function decoded(data: TypedArray, dtype: DType, count: number): ArrayLike<number> {
  const isPlain = (dtype === 'f32' || dtype === 'f64' || dtype === 'i32') && dtypeOfArray(data) === dtype
  return isPlain ? (data as Float32Array | Float64Array | Int32Array) : decodeElements(data, dtype, count)
}

function shapeOf(value: Comparable): readonly number[] | undefined {
  return 'dtype' in value ? value.shape : undefined
}

declare module 'vitest' {
  // vitest declares the parameter with this default, and merged declarations must agree.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  interface Matchers<T = any> {
    /** Elementwise and NMSE comparison of a tensor, a host value or numbers. To be awaited. */
    toMatchReference(expected: Comparable, tolerance: Tolerance): Promise<void>
  }
}
