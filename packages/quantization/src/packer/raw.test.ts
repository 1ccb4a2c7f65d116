import { embedding } from '@tessera-llm/kernels'
import { bytesOf, createReferenceDevice } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import { loadCases, loadGolden } from '../../test/golden.ts'
import { ggmlBlockTypes } from '../format/index.ts'
import { rawPackers } from './index.ts'

describe('rawPackers', () => {
  it('offer every block type to the reference device, and to WebGPU those with kernels', () => {
    expect(rawPackers('reference').map(({ source }) => source)).toEqual(ggmlBlockTypes.map(({ id }) => id))
    expect(rawPackers('webgpu').map(({ source }) => source)).toEqual([
      'q4_0',
      'q4_1',
      'q5_0',
      'q5_1',
      'q8_0',
      'q2_k',
      'q3_k',
      'q4_k',
      'q5_k',
      'q6_k',
      'iq4_nl',
      'iq4_xs',
      'tq1_0',
      'tq2_0',
      'mxfp4',
      'nvfp4',
    ])
    for (const device of ['reference', 'webgpu'] as const)
      expect(rawPackers(device).every((packer) => packer.device === device)).toBe(true)
  })

  it('keep the stored bytes as the part blocks, without a copy', () => {
    for (const packer of rawPackers('webgpu')) {
      const shape = [3, 512]
      const part = packer.format.parts(shape)['blocks']
      const stored = new Uint8Array(3 * (part?.shape[1] ?? 0))
      expect(packer.supports(shape)).toBe(true)
      expect(packer.pack(stored, shape)['blocks']).toBe(stored)
    }
  })

  it('refuse rows that are not whole blocks, and bytes of another length', () => {
    const [q4_0] = rawPackers('webgpu')
    expect(q4_0?.supports([2, 33])).toMatch(/blocks of 32/)
    expect(() => q4_0?.pack(new Uint8Array(35), [2, 32])).toThrowError(/takes 36 bytes, got 35/)
  })

  const tensors = loadGolden('gguf-decode')
  it.each(loadCases<{ case: string; type: string }>('gguf-decode'))(
    'give the reference device the values of $case',
    async ({ case: name, type }) => {
      const [bytes, values] = [tensors.get(`${name}/bytes`), tensors.get(`${name}/values`)]
      const packer = rawPackers('reference').find(({ source }) => source === type.toLowerCase())
      if (!bytes || !values || !packer) throw new Error(`${name} is incomplete`)
      const device = createReferenceDevice()
      const weight = device.pack(packer.format, values.shape, packer.pack(bytes.bytes, values.shape))
      const ids = device.tensor(
        Int32Array.from({ length: values.shape[0] as number }, (_, row) => row),
        [values.shape[0] as number],
      )
      const got = await device.read(embedding(ids, weight))
      expect(Buffer.compare(bytesOf(got), values.bytes)).toBe(0)
    },
  )
})
