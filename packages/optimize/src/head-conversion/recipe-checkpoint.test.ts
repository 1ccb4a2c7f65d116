import { readFile } from 'node:fs/promises'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { llamaFamily } from '@tessera-llm/runtime'
import { tinyModel } from '@tessera-llm/tiny-model'
import { expect, test } from 'vitest'
import { convertCheckpointHeads, parseRecipe, planRecipe, recipeCheckpoint, subjectOf } from '../index.ts'

const tiny = await readGguf(bufferSource(new Uint8Array(await readFile(tinyModel.ggufUrl))))
const families = [llamaFamily]
const recipe = parseRecipe({
  steps: [
    { kind: 'convert-heads', numKvHeads: 1, method: 'first' },
    { kind: 'quantize', method: 'rtn', format: 'q8_0' },
  ],
})

test('the other steps see the model with fewer heads', async () => {
  const { checkpoint } = recipeCheckpoint(tiny, recipe)
  const subject = subjectOf(checkpoint, { families })
  expect(subject.config.numKvHeads).toBe(1)
  const plan = planRecipe(subject, recipe, { stored: subjectOf(tiny, { families }).weights })
  expect(plan.tensors.find(({ name }) => name === 'layers.0.attention.key')).toMatchObject({
    shape: [32, 192],
    before: { format: 'f16', bytes: 2 * 64 * 192 },
    after: { format: 'q8_0' },
  })
  const name = 'blk.0.attn_v.weight'
  const wanted = convertCheckpointHeads(tiny, { numKvHeads: 1, method: 'first' }).tensors.find(
    (tensor) => tensor.name === name,
  )
  if (!wanted || !('bytes' in wanted) || typeof wanted.bytes !== 'function')
    throw new Error('the values of the first layer do not change')
  expect(await checkpoint.tensors.get(name)?.read()).toEqual(await wanted.bytes())
})

test('a recipe without the step leaves the checkpoint as it is, and a subject with other heads is refused with the remedy', () => {
  expect(recipeCheckpoint(tiny, { steps: [{ kind: 'rotate' }] }).checkpoint).toBe(tiny)
  expect(() => planRecipe(subjectOf(tiny, { families }), recipe)).toThrow(
    'steps[0] (convert-heads) asks for 1 KV heads, and the model has 2; heads are merged before a subject is made: subjectOf(recipeCheckpoint(checkpoint, recipe).checkpoint, …)',
  )
})
