import { kernelAbi, specBytes } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel } from '@tessera-llm/webgpu'
import { u32 } from '../webgpu-part/index.ts'
import copySource from './copy.wgsl'

/** Copies a page word by word, in place. */
export const kvCopyPageWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'kv-copy-page',
  opVersion: 1,
  name: 'words',
  supports: () => true,
  passes({ inputs, options }) {
    const numPages = Number(options['numPages'])
    const pool = inputs['pool']
    const words = pool ? specBytes(pool) / numPages / 4 : 0
    return [
      {
        name: 'copy',
        source: copySource,
        bindings: [
          { name: 'pool', tensor: 'pool', access: 'read_write', type: 'array<u32>' },
          { name: 'pages', tensor: 'pages', access: 'read', type: 'array<i32>' },
        ],
        fragments: [],
        params: { words: u32(words), num_pages: u32(numPages) },
        workgroups: linearGrid(Math.ceil(words / 64)),
      },
    ]
  },
}
