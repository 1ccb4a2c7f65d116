import {
  type Cost,
  defineOp,
  denseSpec,
  kernelAbi,
  sizeOf,
  type Op,
  type Tensor,
  toleranceOf,
} from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel } from '../src/index.ts'

export type AffineInputs = { readonly x: Tensor }
export type AffineOutputs = { readonly y: Tensor }
export type AffineOptions = { readonly factor: number; readonly offset?: number }

/** y = x · factor + offset, f32: the smallest op that exercises a device. */
export const affine: Op<AffineInputs, AffineOutputs, AffineOptions> = defineOp<
  AffineInputs,
  AffineOutputs,
  AffineOptions
>({
  id: 'affine',
  version: 1,
  package: 'webgpu/test',
  validate: ({ x }) => ({ y: denseSpec(x, 'affine', 'x') }),
  tolerance: () => toleranceOf({ dtype: 'f32', stages: 2, scale: 10 }),
  cost: ({ inputs: { x } }): Cost => ({
    flops: 2 * sizeOf(x.shape),
    bytesRead: 4 * sizeOf(x.shape),
    bytesWritten: 4 * sizeOf(x.shape),
  }),
  reference: ({ x }, { factor, offset = 0 }) => ({ y: x.data.map((value) => value * factor + offset) }),
})

const body = `
override WORKGROUP: u32 = 64;
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (index < params.count) { y[index] = x[index] * params.factor + params.offset; }
}`

export function affineKernel(name = 'plain', source: string = body): WebGpuKernel {
  return {
    abi: kernelAbi,
    device: 'webgpu',
    op: 'affine',
    opVersion: 1,
    name,
    supports: () => true,
    passes: ({ inputs, options }) => {
      const count = sizeOf(inputs['x']?.shape ?? [])
      return [
        {
          name,
          source,
          bindings: [
            { name: 'x', tensor: 'x', access: 'read', type: 'array<f32>' },
            { name: 'y', tensor: 'y', access: 'read_write', type: 'array<f32>' },
          ],
          overrides: { WORKGROUP: 64 },
          params: {
            count: { type: 'u32', value: count },
            factor: { type: 'f32', value: Number(options['factor']) },
            offset: { type: 'f32', value: Number(options['offset'] ?? 0) },
          },
          workgroups: linearGrid(Math.ceil(count / 64)),
        },
      ]
    },
  }
}
