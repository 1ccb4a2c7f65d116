import { dense, denseSpec, kernelAbi, type Op, sizeOf, type Tensor, toleranceOf } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel } from '@tessera-llm/webgpu'

/** y = factor · x. */
export const scaleOp: Op<{ readonly x: Tensor }, { readonly y: Tensor }, { readonly factor: number }> = {
  id: 'my-scale',
  version: 1,
  package: 'my-kernels',
  validate: ({ x }) => ({ y: dense('f32', denseSpec(x, 'my-scale', 'x').shape) }),
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost: ({ inputs: { x } }) => ({
    flops: sizeOf(x.shape),
    bytesRead: 4 * sizeOf(x.shape),
    bytesWritten: 4 * sizeOf(x.shape),
  }),
  reference: ({ x }, { factor }) => ({ y: x.data.map((value) => factor * value) }),
}

const source = `
override WORKGROUP: u32;
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (index < params.count) { y[index] = params.factor * x[index]; }
}`

export const scaleKernel: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: scaleOp.id,
  opVersion: scaleOp.version,
  name: 'plain',
  supports: () => true,
  passes: ({ outputs: { y }, options: { factor } }) => [
    {
      name: 'plain',
      source,
      bindings: [
        { name: 'x', tensor: 'x', access: 'read', type: 'array<f32>' },
        { name: 'y', tensor: 'y', access: 'read_write', type: 'array<f32>' },
      ],
      overrides: { WORKGROUP: 64 },
      params: { count: { type: 'u32', value: sizeOf(y?.shape ?? []) }, factor: { type: 'f32', value: Number(factor) } },
      workgroups: linearGrid(Math.ceil(sizeOf(y?.shape ?? []) / 64)),
    },
  ],
}
