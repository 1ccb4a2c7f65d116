import { createWebGpuDevice } from '@tessera-llm/webgpu'
import { create } from 'webgpu' // Node.js; a browser has navigator.gpu
import { scaleKernel, scaleOp } from './readme-kernel.ts'

const device = await createWebGpuDevice({ gpu: create([]), kernels: [scaleKernel] })
const x = device.tensor(Float32Array.of(1, 2, 3), [3])
console.log(await device.read(device.run(scaleOp, { x }, { factor: 2 }).y))

const plan = device.capture(() => device.run(scaleOp, { x }, { factor: 10 }).y)
device.write(x, Float32Array.of(7), 1) // element 1 of x
plan.replay()
console.log(await device.read(plan.result))
await device.dispose()
