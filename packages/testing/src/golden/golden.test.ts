import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { goldenInput, goldenOutput, readGolden } from './golden.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'golden-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function write(family: string, header: object, data: Uint8Array, cases: object): Promise<URL> {
  const text = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  await writeFile(join(folder, `${family}.safetensors`), bytes)
  await writeFile(join(folder, `${family}.json`), JSON.stringify({ cases }))
  return pathToFileURL(folder)
}

const header = {
  __metadata__: { format: 'pt' },
  'a/x': { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
  'a/y': { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
  'a/index': { dtype: 'I32', shape: [1], data_offsets: [12, 16] },
}
const data = new Uint8Array(16)
data.set(new Uint8Array(Float32Array.of(1, 2, 100).buffer), 0)
data.set(new Uint8Array(Int32Array.of(-7).buffer), 12)

test('a case holds its parameters, its tensors and the tolerance of each output', async () => {
  const url = await write('good', header, data, [
    {
      case: 'a',
      op: 'sum',
      params: { axis: 1 },
      inputs: { x: {} },
      outputs: { y: { atol: 1e-6, rtol: 1e-5 }, index: { exact: true, min_match: 0.9 } },
    },
  ])
  const [golden] = await readGolden(url, 'good')
  if (!golden) throw new Error('no case')
  expect(golden).toMatchObject({ name: 'a', op: 'sum', params: { axis: 1 } })
  expect(goldenInput(golden, 'x')).toEqual({ dtype: 'f32', shape: [2], data: Float32Array.of(1, 2) })
  expect(goldenOutput(golden, 'y')).toEqual({
    dtype: 'f32',
    shape: [1],
    data: Float32Array.of(100),
    tolerance: { atol: 1e-6, rtol: 1e-5, nmse: 1e-7 },
    minMatch: 1,
  })
  expect(goldenOutput(golden, 'index')).toEqual({
    dtype: 'i32',
    shape: [1],
    data: Int32Array.of(-7),
    tolerance: { atol: 0, rtol: 0, nmse: 0 },
    minMatch: 0.9,
  })
  expect(() => goldenInput(golden, 'z')).toThrow('golden a: there is no tensor z')
})

test('a wide elementwise bound widens the NMSE, so that the golden decides', async () => {
  const url = await write('wide', header, data, [
    { case: 'a', op: 'sum', params: {}, inputs: {}, outputs: { y: { atol: 1, rtol: 0.01 } } },
  ])
  const [golden] = await readGolden(url, 'wide')
  expect(golden?.outputs['y']?.tolerance.nmse).toBeCloseTo(0.02 ** 2, 12)
})

test('a listed tensor that the file lacks, and a dtype that is not known, are errors that name them', async () => {
  const missing = await write('missing', header, data, [
    { case: 'a', op: 'sum', params: {}, inputs: { z: {} }, outputs: {} },
  ])
  await expect(readGolden(missing, 'missing')).rejects.toThrow('the case a lists z')
  const unknown = await write('unknown', { t: { dtype: 'C64', shape: [1], data_offsets: [0, 8] } }, data, [])
  await expect(readGolden(unknown, 'unknown')).rejects.toThrow('t has the dtype C64')
})
