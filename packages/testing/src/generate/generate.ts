import {
  createRandom,
  type Device,
  type DType,
  encodeElements,
  type Random,
  type Shape,
  sizeOf,
  type Tensor,
  type TypedArray,
} from '@tessera-llm/tensor'

/** Values on the host: raw elements of `dtype`, row-major. */
export interface HostValue {
  readonly dtype: DType
  readonly shape: Shape
  readonly data: TypedArray
}

/** Options of random test tensors. */
export interface RandomValueOptions {
  /** Seed. Default 1. Tensors of one test take different seeds. */
  readonly seed?: number | undefined
  /** Default `f32`; values are rounded to it. */
  readonly dtype?: DType | undefined
  /** Standard deviation of `normal`, half-width of `uniform`. Default 1. */
  readonly scale?: number | undefined
  /** Mean. Default 0. */
  readonly mean?: number | undefined
}

/** Independent normal values. */
export function normal(shape: Shape, options: RandomValueOptions = {}): HostValue {
  return drawn(shape, options, (random) => random.normal())
}

/** Independent uniform values of mean ± scale. */
export function uniform(shape: Shape, options: RandomValueOptions = {}): HostValue {
  return drawn(shape, options, (random) => 2 * random.uniform() - 1)
}

/** Uniform i32 in 0 … bound − 1: token ids, positions, labels. */
export function integers(shape: Shape, bound: number, seed = 1): HostValue {
  const random = createRandom(seed)
  return host(
    shape,
    Int32Array.from({ length: sizeOf(shape) }, () => random.integer(bound)),
    'i32',
  )
}

/** Given numbers as elements of `dtype`. */
export function values(shape: Shape, numbers: ArrayLike<number>, dtype: DType = 'f32'): HostValue {
  return host(shape, encodeElements(numbers, dtype), dtype)
}

/** A constant tensor. */
export function constant(shape: Shape, value: number, dtype: DType = 'f32'): HostValue {
  return values(shape, new Float64Array(sizeOf(shape)).fill(value), dtype)
}

/** Uploads host values to a device. */
export function upload(device: Device, value: HostValue): Tensor {
  return device.tensor(value.data, value.shape, value.dtype)
}

/** Lengths on both sides of what kernels are tiled by: vectors of 4 and 8, subgroups, workgroups, cache lines. */
export const edgeLengths: readonly number[] = [
  1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257,
]

function drawn(
  shape: Shape,
  { seed = 1, dtype = 'f32', scale = 1, mean = 0 }: RandomValueOptions,
  draw: (random: Random) => number,
): HostValue {
  const random = createRandom(seed)
  return values(
    shape,
    Float64Array.from({ length: sizeOf(shape) }, () => mean + scale * draw(random)),
    dtype,
  )
}

function host(shape: Shape, data: TypedArray, dtype: DType): HostValue {
  return { dtype, shape: [...shape], data }
}
