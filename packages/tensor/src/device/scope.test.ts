import { expect, test } from 'vitest'
import { createReferenceDevice, reshape, type Tensor } from '../index.ts'
import { scaleOp } from '../../test/ops.ts'

const live = (device: ReturnType<typeof createReferenceDevice>): number => device.memory().liveTensors

test('a scope frees what was made inside and not kept', () => {
  const device = createReferenceDevice()
  const y = device.scope((s) => {
    const x = device.tensor(Float32Array.of(1, 2), [2])
    return s.keep(device.run(scaleOp, { x }, { factor: 3 }).y)
  })
  expect([y.disposed, live(device)]).toEqual([false, 1])
  y.dispose()
  expect(live(device)).toBe(0)
})

test('tensors of before are left alone', () => {
  const device = createReferenceDevice()
  const x = device.empty([1], 'f32')
  device.scope((s) => {
    s.keep(x)
    return x
  })
  expect(x.disposed).toBe(false)
})

test('what an inner scope keeps belongs to the outer one', () => {
  const device = createReferenceDevice()
  let inner: Tensor | undefined
  device.scope(() => {
    inner = device.scope((s) => s.keep(device.empty([1], 'f32')))
    expect(inner.disposed).toBe(false)
  })
  expect(inner?.disposed).toBe(true)
})

test('what the outer scope keeps outlives the inner one too', () => {
  const device = createReferenceDevice()
  const kept = device.scope((outer) => device.scope(() => outer.keep(device.empty([1], 'f32'))))
  expect([kept.disposed, live(device)]).toEqual([false, 1])
})

test('keeping an older tensor inside an inner scope keeps it', () => {
  const device = createReferenceDevice()
  const kept = device.scope((outer) => {
    const tensor = device.empty([1], 'f32')
    device.scope(() => outer.keep(tensor))
    return tensor
  })
  expect(kept.disposed).toBe(false)
})

test('a view made inside is a handle of its own: keeping it keeps the memory', async () => {
  const device = createReferenceDevice()
  const view = device.scope((s) => s.keep(reshape(device.tensor(Float32Array.of(1, 2), [2]), [2, 1])))
  expect(await device.read(view)).toEqual(Float32Array.of(1, 2))
  expect(live(device)).toBe(1)
  view.dispose()
  expect(live(device)).toBe(0)
})

test('a packed weight is kept with all its parts', () => {
  const device = createReferenceDevice()
  const format = {
    id: 'bytes',
    version: 1,
    parts: () => ({ low: { dtype: 'u8', shape: [2] }, high: { dtype: 'u8', shape: [2] } }) as const,
    decode: () => new Float64Array(2),
  }
  const packed = device.scope((s) =>
    s.keep(device.pack(format, [1, 2], { low: new Uint8Array(2), high: new Uint8Array(2) })),
  )
  expect([packed.disposed, live(device)]).toEqual([false, 2])
})

test('an exception frees everything, and the scope is closed', () => {
  const device = createReferenceDevice()
  expect(() =>
    device.scope(() => {
      device.empty([1], 'f32')
      throw new Error('stop')
    }),
  ).toThrow('stop')
  expect(live(device)).toBe(0)
  expect(device.empty([1], 'f32').disposed).toBe(false)
})

test('a function that is async is refused, because its tensors would be freed while it waits', () => {
  const device = createReferenceDevice()
  expect(() => device.scope(async () => device.empty([1], 'f32'))).toThrow('scope: the function must not be async')
  expect(live(device)).toBe(0)
})

test('adopt hands a handle to the current scope', () => {
  const device = createReferenceDevice()
  const outside = device.empty([1], 'f32')
  device.scope(() => device.adopt(outside))
  expect(outside.disposed).toBe(true)
})
