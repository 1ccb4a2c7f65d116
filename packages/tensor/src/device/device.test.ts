import { expect, test } from 'vitest'
import { arrayKernel, createArrayDevice } from '../../test/array-device.ts'
import { scaleOp, sumOp } from '../../test/ops.ts'
import { createReferenceDevice, isTesseraError, reshape, type Tensor } from '../index.ts'

const double = arrayKernel({
  op: 'test/scale',
  name: 'double',
  supports: ({ options }) => options['factor'] === 2 || `doubles only, not × ${String(options['factor'])}`,
  run: ({ x, y }) => y?.set((x as Float32Array).map((value) => 2 * value)),
})

function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

test('run uses the kernel that supports the problem', async () => {
  const { device } = createArrayDevice([double])
  const x = device.tensor(Float32Array.of(1, 2), [2])
  expect(await device.read(device.run(scaleOp, { x }, { factor: 2 }).y)).toEqual(Float32Array.of(2, 4))
})

test('an op without a kernel is an error that names the package to add; one without a fitting kernel says why not', () => {
  const { device } = createArrayDevice([double])
  const x = device.tensor(Float32Array.of(1, 2), [2])
  const missing = thrown(() => device.run(sumOp, { x }, {}))
  expect(isTesseraError(missing, 'missing-kernel')).toBe(true)
  expect(String(missing)).toContain(
    'test/sum: no kernel on arrays (no kernel of test/sum@1 was passed to the device; add the kernels of @example/ops)',
  )
  expect(String(thrown(() => device.run(scaleOp, { x }, { factor: 3 })))).toContain('double: doubles only, not × 3')
  expect(device.memory().liveTensors).toBe(1)
})

test('explain says which kernel would run, without running it', () => {
  const { device } = createArrayDevice([double])
  const x = device.tensor(Float32Array.of(1, 2), [2])
  expect(device.explain(scaleOp, { x }, { factor: 2 })).toMatchObject({
    op: 'test/scale',
    device: 'arrays',
    kernel: 'double',
  })
  expect(device.explain(scaleOp, { x }, { factor: 3 })).toMatchObject({
    kernel: undefined,
    reason: 'double: doubles only, not × 3',
  })
  expect(device.memory().liveTensors).toBe(1)
})

test('validation happens before anything is allocated', () => {
  const { device } = createArrayDevice([double])
  const x = device.tensor(Float32Array.of(1, 2), [2])
  expect(
    isTesseraError(
      thrown(() => device.run(scaleOp, { x }, { factor: Number.NaN })),
      'invalid-option',
    ),
  ).toBe(true)
  expect(device.memory().liveTensors).toBe(1)
})

test('a launch that fails leaves no outputs behind', () => {
  const { device } = createArrayDevice([
    arrayKernel({
      op: 'test/scale',
      name: 'fails',
      run: () => {
        throw new Error('broken')
      },
    }),
  ])
  const x = device.tensor(Float32Array.of(1), [1])
  expect(() => device.run(scaleOp, { x }, { factor: 2 })).toThrow('broken')
  expect(device.memory().liveTensors).toBe(1)
})

test('inputs of another device and disposed inputs are refused', () => {
  const { device } = createArrayDevice([double])
  const elsewhere = createReferenceDevice().tensor(Float32Array.of(1), [1])
  expect(
    isTesseraError(
      thrown(() => device.run(scaleOp, { x: elsewhere }, { factor: 2 })),
      'device-mismatch',
    ),
  ).toBe(true)
  const x = device.tensor(Float32Array.of(1), [1])
  const mixed = thrown(() => device.run(sumOp, { x, z: elsewhere }, {}))
  expect(isTesseraError(mixed, 'device-mismatch')).toBe(true)
  expect(String(mixed)).toContain('test/sum: z is on reference (float64), the other inputs are on arrays')
  x.dispose()
  expect(
    isTesseraError(
      thrown(() => device.run(scaleOp, { x }, { factor: 2 })),
      'disposed',
    ),
  ).toBe(true)
})

test('memory is counted, and freed once when its last handle goes', () => {
  const { device, freed } = createArrayDevice([])
  const a = device.empty([10], 'f32')
  const view = reshape(a, [2, 5])
  expect(device.memory()).toEqual({ allocatedBytes: 40, peakBytes: 40, liveTensors: 1 })
  a.dispose()
  a.dispose()
  expect([a.disposed, view.disposed, freed.length]).toEqual([true, false, 0])
  view.dispose()
  expect(freed).toEqual([a.storage])
  expect(device.memory()).toEqual({ allocatedBytes: 0, peakBytes: 40, liveTensors: 0 })
})

test('running out of memory is a typed error and counts nothing', () => {
  const { device } = createArrayDevice([])
  expect(
    isTesseraError(
      thrown(() => device.empty([251], 'f32')),
      'out-of-memory',
    ),
  ).toBe(true)
  expect(device.memory()).toEqual({ allocatedBytes: 0, peakBytes: 0, liveTensors: 0 })
})

test('reshape shares the memory and keeps the number of elements', async () => {
  const { device } = createArrayDevice([])
  const a = device.tensor(Float32Array.of(1, 2, 3, 4), [4])
  const square = reshape(a, [2, 2])
  device.write(square, Float32Array.of(9), 3)
  expect([square.shape, await device.read(a)]).toEqual([[2, 2], Float32Array.of(1, 2, 3, 9)])
  expect(() => reshape(a, [3])).toThrow('reshape: [4] has 4 elements, [3] has 3')
  a.dispose()
  expect(() => reshape(a, [2, 2])).toThrow('used after it was disposed')
})

test('uploads must have as many bytes as the shape, and a shape must be one', () => {
  const { device } = createArrayDevice([])
  expect(() => device.tensor(Float32Array.of(1, 2), [3])).toThrow('tensor: [3] of f32 takes 12 bytes, the data has 8')
  expect(() => device.tensor(new Uint16Array(2), [2])).toThrow('pass the dtype explicitly')
  expect(() => device.empty([-1], 'f32')).toThrow('axis 0 of [-1] must be a non-negative integer')
})

test.for<[string, number, string]>([
  ['past the end', 3, 'write: 8 bytes at offset 12 do not fit a tensor of 16 bytes'],
  ['before the start', -1, 'offset must be a non-negative integer that starts on a whole byte of f32, not -1'],
  ['between elements', 0.5, 'not 0.5'],
])('writing %s is refused', ([, offset, message]) => {
  const { device } = createArrayDevice([])
  expect(() => device.write(device.empty([4], 'f32'), Float32Array.of(1, 2), offset)).toThrow(message)
})

test('packed 4-bit elements are written from whole bytes on', async () => {
  const device = createReferenceDevice()
  const tensor = device.tensor(Uint8Array.of(0x21, 0x43), [4], 'u4')
  device.write(tensor, Uint8Array.of(0x65), 2)
  expect(await device.read(tensor)).toEqual(Uint8Array.of(0x21, 0x65))
  expect(() => device.write(tensor, Uint8Array.of(0x65), 1)).toThrow('whole byte of u4, not 1')
})

test('a disposed device answers every call with disposed', async () => {
  const { device } = createArrayDevice([double])
  const x = device.tensor(Float32Array.of(1), [1])
  const plan = device.capture(() => device.run(scaleOp, { x }, { factor: 2 }))
  await device.dispose()
  await device.dispose()
  const calls: readonly (() => unknown)[] = [
    () => device.empty([1], 'f32'),
    () => device.tensor(Float32Array.of(1), [1]),
    () => device.run(scaleOp, { x }, { factor: 2 }),
    () => device.write(x, Float32Array.of(1)),
    () => device.capture(() => undefined),
    () => plan.replay(),
  ]
  for (const call of calls) expect(isTesseraError(thrown(call), 'disposed'), String(call)).toBe(true)
  await expect(device.read(x)).rejects.toMatchObject({ code: 'disposed' })
  x.dispose()
})

test('a packed weight must come with every part in full', () => {
  const { device } = createArrayDevice([])
  const format = {
    id: 'pairs',
    version: 1,
    parts: (): Record<string, { dtype: 'f32'; shape: number[] }> => ({
      a: { dtype: 'f32', shape: [1] },
      b: { dtype: 'f32', shape: [2] },
    }),
    decode: () => new Float64Array(1),
  }
  expect(() => device.pack(format, [1, 1], { a: new Uint8Array(4), b: new Uint8Array(4) })).toThrow(
    'pack: the part b of a pairs weight of [1, 1] takes 8 bytes, got 4',
  )
  expect(() => device.pack(format, [1, 1], { a: new Uint8Array(4) })).toThrow('got none')
  expect(device.memory().liveTensors).toBe(0)
  const packed = device.pack(format, [1, 1], { a: new Uint8Array(4), b: new Uint8Array(8) })
  expect([packed.kind, packed.byteLength, packed.disposed]).toEqual(['packed', 12, false])
  packed.dispose()
  expect([packed.disposed, device.memory().liveTensors]).toEqual([true, 0])
})

test('an op without inputs has no device', () => {
  const { device } = createArrayDevice([])
  expect(() => device.run(sumOp, {} as { readonly x: Tensor }, {})).toThrow('test/sum: needs at least one input tensor')
})

test('thousands of different calls are forgotten again, those in use are not, and the kernels that ran are still known', () => {
  const validated: number[] = []
  const watched: typeof scaleOp = {
    ...scaleOp,
    validate(inputs, options) {
      validated.push(options.factor)
      return scaleOp.validate(inputs, options)
    },
  }
  const { device } = createArrayDevice([arrayKernel({ op: 'test/scale', name: 'any' })])
  const x = device.tensor(Float32Array.of(1, 2), [2])
  const call = (factor: number): void => device.run(watched, { x }, { factor }).y.dispose()
  for (let factor = 1; factor <= 10_000; factor++) {
    call(factor)
    call(-1)
  }
  expect(validated).toHaveLength(10_001)
  validated.length = 0
  for (let factor = 10_000; factor >= 1; factor--) device.explain(watched, { x }, { factor })
  expect(validated.length).toBeGreaterThan(5000)
  expect(validated.length).toBeLessThan(9000)
  expect(device.kernelsUsed()).toEqual(['test/scale: any'])
})
