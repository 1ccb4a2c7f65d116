import { expect, test } from 'vitest'
import { arrayKernel, createArrayDevice } from '../../test/array-device.ts'
import { accumulateOp, scaleOp } from '../../test/ops.ts'
import { createReferenceDevice, type Device } from '../index.ts'

const kernels = [
  arrayKernel({
    op: 'test/scale',
    name: 'plain',
    run: ({ x, y }) => y?.set((x as Float32Array).map((value) => 2 * value)),
  }),
  arrayKernel({
    op: 'test/accumulate',
    name: 'plain',
    run: ({ x, total }) => total?.set((total as Float32Array).map((value, index) => value + (x?.[index] as number))),
  }),
]
const makers: Readonly<Record<string, () => Device>> = {
  reference: createReferenceDevice,
  arrays: () => createArrayDevice(kernels).device,
}

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: nothing runs while it is captured, and each replay reads what was written before it`, async () => {
    const device = make()
    const x = device.tensor(Float32Array.of(1, 2), [2])
    const plan = device.capture(
      () => device.run(scaleOp, { x: device.run(scaleOp, { x }, { factor: 2 }).y }, { factor: 2 }).y,
    )
    expect([plan.launches, await device.read(plan.result)]).toEqual([2, Float32Array.of(0, 0)])
    plan.replay()
    expect(await device.read(plan.result)).toEqual(Float32Array.of(4, 8))
    device.write(x, Float32Array.of(10), 1)
    plan.replay()
    expect(await device.read(plan.result)).toEqual(Float32Array.of(4, 40))
  })

  test(`${name}: an op that writes does so once a replay`, async () => {
    const device = make()
    const x = device.tensor(Float32Array.of(1, 2), [2])
    const total = device.tensor(Float32Array.of(0, 0), [2])
    const plan = device.capture(() => device.run(accumulateOp, { x, total }, {}))
    plan.replay()
    plan.replay()
    expect(await device.read(total)).toEqual(Float32Array.of(2, 4))
  })

  test(`${name}: the plan owns what was made in it, kept or not, and frees it once`, () => {
    const device = make()
    const x = device.tensor(Float32Array.of(1, 2), [2])
    const plan = device.capture(() =>
      device.scope((s) => {
        const y = device.run(scaleOp, { x }, { factor: 2 }).y
        return s.keep(device.run(scaleOp, { x: y }, { factor: 2 }).y)
      }),
    )
    expect([plan.result.disposed, device.memory().liveTensors]).toEqual([false, 2])
    plan.dispose()
    plan.dispose()
    expect([plan.result.disposed, device.memory().liveTensors]).toEqual([true, 1])
    expect(() => plan.replay()).toThrow('a plan was replayed after it was disposed; capture again')
  })

  test(`${name}: an open scope does not own what a capture inside it makes`, () => {
    const device = make()
    const plan = device.scope(() => device.capture(() => device.empty([1], 'f32')))
    expect(plan.result.disposed).toBe(false)
    plan.dispose()
    expect(device.memory().liveTensors).toBe(0)
  })

  test(`${name}: captures do not nest, plans are not replayed in one, and a failed capture leaves the device as it was`, async () => {
    const device = make()
    const x = device.tensor(Float32Array.of(1, 2), [2])
    const plan = device.capture(() => device.run(scaleOp, { x }, { factor: 2 }).y)
    expect(() => device.capture(() => device.capture(() => x))).toThrow('captures do not nest')
    expect(() => device.capture(() => plan.replay())).toThrow('a plan cannot be recorded in another')
    expect(() =>
      device.capture(() => {
        device.run(scaleOp, { x }, { factor: 2 })
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(device.memory().liveTensors).toBe(2)
    expect(await device.read(device.run(scaleOp, { x }, { factor: 2 }).y)).toEqual(Float32Array.of(2, 4))
  })
}
