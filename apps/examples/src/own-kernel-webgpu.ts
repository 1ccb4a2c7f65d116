// A WebGPU kernel from outside of this repository: a string of WGSL, on a device beside ours.
import { multiply } from '@tessera-llm/kernels'
import { kernelsWebgpu } from '@tessera-llm/kernels/webgpu'
import { kernelAbi, sizeOf } from '@tessera-llm/tensor'
import { createWebGpuDevice, linearGrid, type WebGpuKernel } from '@tessera-llm/webgpu'
import { create, globals } from 'webgpu'
import { squaredReluOp } from './squared-relu.ts'

Object.assign(globalThis, globals)
const workgroupSize = 64

// Bindings, uniforms and constants are declared for you, from the description below.
const source = /* wgsl */ `
override WORKGROUP_SIZE: u32;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (index >= params.count) { return; }
  let positive = max(x[index], 0.0);
  y[index] = positive * positive;
}`

const squaredReluWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: squaredReluOp.id,
  opVersion: squaredReluOp.version,
  name: 'one-lane-an-element',
  supports: ({ inputs: { x } }) => (x?.kind === 'dense' && x.dtype === 'f32') || 'x must be dense f32',
  passes({ outputs }) {
    const count = sizeOf(outputs['y']?.shape ?? [])
    return [
      {
        name: 'squared-relu',
        source,
        bindings: [
          { name: 'x', tensor: 'x', access: 'read', type: 'array<f32>' },
          { name: 'y', tensor: 'y', access: 'read_write', type: 'array<f32>' },
        ],
        params: { count: { type: 'u32', value: count } },
        overrides: { WORKGROUP_SIZE: workgroupSize },
        workgroups: linearGrid(Math.ceil(count / workgroupSize)),
      },
    ]
  },
}

const device = await createWebGpuDevice({ gpu: create([]), kernels: [...kernelsWebgpu, squaredReluWebgpu] })
const x = device.tensor(Float32Array.of(-2, -0.5, 0, 0.5, 3), [5])
const { y } = device.run(squaredReluOp, { x }, {})
console.log(`${device.explain(squaredReluOp, { x }, {}).kernel} on ${device.name}`)
console.log(`max(0, x)²     ${[...(await device.read(y))].join(' ')}`)
// Our kernels read what yours wrote.
console.log(`x · max(0, x)² ${[...(await device.read(multiply(x, y)))].join(' ')}`)
await device.dispose()
