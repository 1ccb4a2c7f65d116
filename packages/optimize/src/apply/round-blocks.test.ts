import { readFile } from 'node:fs/promises'
import { bufferSink, bufferSource, type GgufCheckpoint, readGguf } from '@tessera-llm/formats'
import { createDeviceBlockRounder, createDeviceRounder, createPlainMultiply } from '@tessera-llm/quantization'
import { decodeBlocksWasm, roundGroupsWasm } from '@tessera-llm/quantization/wasm'
import { llamaFamily } from '@tessera-llm/runtime'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { huggingFaceContent, safetensorsCheckpointOf } from '../convert/index.ts'
import type { Solver } from '../quantize/index.ts'
import { parseRecipe } from '../recipe/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { writeGgufModel } from '../write/index.ts'
import { type Applied, applyRecipe } from './index.ts'
import { serializeWeight } from './stored-weight.ts'

const targets = 'layers.*.attention.*'
let device: WasmDevice
let file: Uint8Array<ArrayBuffer>
let byBlocks: Solver
const rounded: string[] = []

beforeAll(async () => {
  device = await createWasmDevice({ kernels: [decodeBlocksWasm, roundGroupsWasm], threads: 2 })
  const roundBlocks = createDeviceBlockRounder(device)
  byBlocks = {
    multiply: createPlainMultiply(),
    round: createDeviceRounder(device),
    async roundBlocks(blocks, grid, options) {
      const made = await roundBlocks(blocks, grid, options)
      if (made) rounded.push(blocks.format)
      return made
    },
  }
  const checkpoint = (await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))) as GgufCheckpoint
  const subject = subjectOf(checkpoint, { families: [llamaFamily] })
  const recipe = parseRecipe({ steps: [{ kind: 'quantize', method: 'rtn', format: 'q8_0', targets }] })
  const sink = bufferSink()
  await writeGgufModel(await applyRecipe(subject, recipe, { device }), subject, checkpoint, sink)
  file = sink.bytes()
})
afterAll(() => device?.dispose())

/** The file's model as a folder has it: queries and keys with their rows in another order, and all decoded. */
async function folderSubject(bytes: Uint8Array<ArrayBuffer>): Promise<Subject> {
  const content = await huggingFaceContent(await readGguf(bufferSource(bytes)), { decode: true })
  return subjectOf(safetensorsCheckpointOf(content.tensors), { families: [llamaFamily], config: content.config })
}
const recipe = parseRecipe({
  steps: [{ kind: 'quantize', method: 'rtn', format: { bits: 4, group: 32 }, targets }],
})
async function weightsOf(applied: Applied): Promise<readonly (readonly [string, string])[]> {
  return Promise.all(
    [...applied.assignments.keys()].map(
      async (name) =>
        [name, Buffer.from(await serializeWeight(await applied.weight(name))).toString('base64')] as const,
    ),
  )
}

test('weights rounded from their blocks are those rounded from their values', async () => {
  const subject = await folderSubject(file)
  const expected = await applyRecipe(subject, recipe, { device, solver: { ...byBlocks, roundBlocks: undefined } })
  expect(rounded).toEqual([])
  const made = await applyRecipe(subject, recipe, { device, solver: byBlocks })
  expect(rounded).toEqual(Array.from({ length: expected.assignments.size }, () => 'q8_0'))
  expect(await weightsOf(made)).toEqual(await weightsOf(expected))
})

test('weights that a rotation changes are not rounded from the blocks of the file', async () => {
  const subject = await folderSubject(file)
  rounded.length = 0
  const turned = parseRecipe({ steps: [{ kind: 'rotate' }, ...recipe.steps] })
  const made = await applyRecipe(subject, turned, { device, solver: byBlocks })
  expect(rounded).toEqual([])
  expect(await weightsOf(made)).not.toEqual(await weightsOf(await applyRecipe(subject, recipe, { device })))
})

test('a value that is not a number is refused with its tensor and index', async () => {
  const checkpoint = await readGguf(bufferSource(file))
  const value = await checkpoint.tensors.get('blk.1.attn_v.weight')?.read()
  const damaged = file.slice()
  const at = Buffer.from(damaged.buffer).indexOf(Buffer.from(value ?? []))
  damaged[at + 34 * 5 + 1] = 0x7e
  await expect(applyRecipe(await folderSubject(damaged), recipe, { device, solver: byBlocks })).rejects.toThrow(
    /v_proj\.weight \[\d+, \d+\] holds NaN at index 160/,
  )
})
