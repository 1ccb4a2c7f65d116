import { createReferenceDevice, dense, denseSpec, type Op, type Tensor, toleranceOf } from '@tessera-llm/tensor'

type Inputs = { readonly x: Tensor; readonly y: Tensor }
type Outputs = { readonly z: Tensor }

/** z = a · x + y. */
const axpyOp: Op<Inputs, Outputs, { readonly a: number }> = {
  id: 'axpy',
  version: 1,
  package: 'my-kernels',
  validate: ({ x }) => ({ z: dense('f32', denseSpec(x, 'axpy', 'x').shape) }),
  tolerance: () => toleranceOf({ dtype: 'f32', stages: 2 }),
  cost: ({ outputs }) => ({
    flops: 2 * (outputs.z.shape[0] ?? 0),
    bytesRead: 8 * (outputs.z.shape[0] ?? 0),
    bytesWritten: 4 * (outputs.z.shape[0] ?? 0),
  }),
  reference: ({ x, y }, { a }) => ({ z: x.data.map((value, i) => a * value + (y.data[i] as number)) }),
}

const device = createReferenceDevice()
const x = device.tensor(Float32Array.of(1, 2, 3), [3])
const y = device.tensor(Float32Array.of(10, 20, 30), [3])

const z = device.scope((scope) => {
  const once = device.run(axpyOp, { x, y }, { a: 2 }).z
  return scope.keep(device.run(axpyOp, { x, y: once }, { a: 2 }).z)
})
console.log(await device.read(z), device.memory().liveTensors)
