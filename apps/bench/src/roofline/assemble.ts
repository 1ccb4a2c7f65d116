/**
 * Opcodes of the WebAssembly core specification, SIMD and relaxed SIMD included (those after the prefix 0xfd, as
 * LEB128).
 */
const simd = {
  v128Load: 0x00,
  i8x16Splat: 0x0f,
  i32x4Splat: 0x11,
  i32x4ExtractLane: 0x1b,
  v128Xor: 0x51,
  i16x8Add: 0x8e,
  i32x4Add: 0xae,
  i32x4DotI16x8: 0xba,
  f32x4Add: 0xe4,
  f32x4Mul: 0xe6,
  f32x4ConvertI32x4: 0xfa,
  f32x4RelaxedMadd: 0x105,
  i16x8RelaxedDot: 0x112,
  i32x4RelaxedDotAdd: 0x113,
} as const

const op = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Const: 0x41,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32LtU: 0x49,
  i32Xor: 0x73,
} as const
const type = { i32: 0x7f, v128: 0x7b, func: 0x60, empty: 0x40 } as const

/** Vectors that one iteration of the reading loop loads. */
const loadsPerTurn = 16

/** Unsigned LEB128. */
export function leb(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low + 128 : low)
  } while (rest > 0)
  return bytes
}

/** Signed LEB128 of a small non-negative number: a byte whose bit 6 is set would read as negative. */
const signed = (value: number): readonly number[] => {
  const bytes = [...leb(value)]
  const last = bytes.length - 1
  if (((bytes[last] as number) & 0x40) === 0) return bytes
  bytes[last] = (bytes[last] as number) | 0x80
  return [...bytes, 0]
}

const vector = (code: number): readonly number[] => [0xfd, ...leb(code)]
const get = (local: number): readonly number[] => [op.localGet, ...leb(local)]
const set = (local: number): readonly number[] => [op.localSet, ...leb(local)]
const sized = (bytes: readonly number[]): readonly number[] => [...leb(bytes.length), ...bytes]
const section = (id: number, bytes: readonly number[]): readonly number[] => [id, ...sized(bytes)]
const name = (text: string): readonly number[] => sized([...text].map((letter) => letter.charCodeAt(0)))

/**
 * A module of one function `run: (i32, i32) → i32` over imported memory `m.memory` (at least one page); locals 2 … are
 * vectors.
 */
function moduleOf(vectors: number, body: readonly number[]): Uint8Array<ArrayBuffer> {
  const code = [1, ...leb(vectors), type.v128, ...body, op.end]
  return Uint8Array.from([
    0x00,
    0x61,
    0x73,
    0x6d,
    0x01,
    0x00,
    0x00,
    0x00,
    ...section(1, [1, type.func, 2, type.i32, type.i32, 1, type.i32]),
    ...section(2, [1, ...name('m'), ...name('memory'), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('run'), 0x00, 0]),
    ...section(10, [1, ...sized(code)]),
  ])
}

/** Combines the vectors from local `first` on into one i32, so that no compiler may drop the work. */
function fold(first: number, count: number): readonly number[] {
  const together = Array.from({ length: count - 1 }, (_, index) => [
    ...get(first + index + 1),
    ...vector(simd.v128Xor),
  ]).flat()
  return [...get(first), ...together, ...vector(simd.i32x4ExtractLane), 0]
}

/**
 * `run(from, to)` reads memory from byte `from` to `to` (a multiple of 256 bytes apart) and returns the lowest i32 of
 * the vectors' XOR.
 */
export function readModule(): Uint8Array<ArrayBuffer> {
  const loads = Array.from({ length: loadsPerTurn }, (_, index) => {
    const accumulator = 2 + (index % 8)
    return [
      ...get(accumulator),
      ...get(0),
      ...vector(simd.v128Load),
      4,
      ...leb(index * 16),
      ...vector(simd.v128Xor),
      ...set(accumulator),
    ]
  }).flat()
  const next = [
    ...get(0),
    op.i32Const,
    ...signed(loadsPerTurn * 16),
    op.i32Add,
    op.localTee,
    0,
    ...get(1),
    op.i32LtU,
    op.brIf,
    0,
  ]
  return moduleOf(8, [op.loop, type.empty, ...loads, ...next, op.end, ...fold(2, 8)])
}

export type Arithmetic = 'fmaF32' | 'mulAddF32' | 'dotI16' | 'dotI8' | 'dotAdd'

/**
 * Operations of one instruction group on one chain: lanes × 2, since a product and its sum count as two. `dotI8`
 * multiplies 16 pairs of bytes, adds neighbors, and adds the i16 sums to the chain; `dotAdd` adds fours to the chain's
 * i32, which is one instruction of some processors and engines and several of others.
 */
export const operationsPerStep: Readonly<Record<Arithmetic, number>> = {
  fmaF32: 8,
  mulAddF32: 8,
  dotI16: 16,
  dotI8: 32,
  dotAdd: 32,
}

/**
 * Independent chains: for floats at least latency (4 cycles) times units (2) of a processor, and few enough for the
 * registers that V8 has left: on Zen 4, more integer chains were slower, and fewer float chains wait for their sums.
 */
export const chainsOf: Readonly<Record<Arithmetic, number>> = {
  fmaF32: 12,
  mulAddF32: 12,
  dotI16: 6,
  dotI8: 6,
  dotAdd: 12,
}

/**
 * `run(turns, seed)`: `turns` iterations of one step on each chain; integer steps multiply with the vectors at the
 * start of memory.
 */
export function arithmeticModule(kind: Arithmetic): Uint8Array<ArrayBuffer> {
  const chains = chainsOf[kind]
  // Locals 2 and 3 are the factors, 4 … the chains. The integer steps load one factor, as kernels do: a chain through
  // the product would wait for it.
  const [a, b] = [get(2), get(3)]
  const load = (index: number): readonly number[] => [op.i32Const, 0, ...vector(simd.v128Load), 4, ...leb(index * 16)]
  const steps: Readonly<Record<Arithmetic, (chain: readonly number[], index: number) => readonly number[]>> = {
    fmaF32: (chain) => [...a, ...b, ...chain, ...vector(simd.f32x4RelaxedMadd)],
    mulAddF32: (chain) => [...a, ...chain, ...vector(simd.f32x4Mul), ...b, ...vector(simd.f32x4Add)],
    dotI16: (chain, index) => [...load(index), ...a, ...vector(simd.i32x4DotI16x8), ...chain, ...vector(simd.i32x4Add)],
    // The second factor must stay below 128: the meaning of larger bytes is the processor's choice.
    dotI8: (chain, index) => [
      ...load(index),
      ...a,
      ...vector(simd.i16x8RelaxedDot),
      ...chain,
      ...vector(simd.i16x8Add),
    ],
    // An instruction of five cycles of which two begin in one: kernels keep twelve sums.
    dotAdd: (chain, index) => [...load(index), ...a, ...chain, ...vector(simd.i32x4RelaxedDotAdd)],
  }
  const steady = Array.from({ length: chains }, (_, index) => [
    ...steps[kind](get(4 + index), index),
    ...set(4 + index),
  ]).flat()
  // Small integers, so that no processor meets subnormals; different in each chain, so that no two can be merged.
  const splat =
    kind === 'fmaF32' || kind === 'mulAddF32'
      ? [...vector(simd.i32x4Splat), ...vector(simd.f32x4ConvertI32x4)]
      : vector(simd.i8x16Splat)
  const start = [2, 3, ...Array.from({ length: chains }, (_, index) => 4 + index)].flatMap((local) => [
    ...get(1),
    op.i32Const,
    ...signed(local),
    op.i32Xor,
    ...splat,
    ...set(local),
  ])
  const next = [...get(0), op.i32Const, ...signed(1), op.i32Sub, op.localTee, 0, op.brIf, 0]
  return moduleOf(2 + chains, [...start, op.loop, type.empty, ...steady, ...next, op.end, ...fold(4, chains)])
}
