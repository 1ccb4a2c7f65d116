import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bufferSink, bufferSource, readGguf, writeSafetensors } from '@tessera-llm/formats'
import { llamaFamily } from '@tessera-llm/runtime'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { describe, expect, test } from 'vitest'
import { applyRecipe } from '../apply/index.ts'
import { huggingFaceContent, safetensorsCheckpointOf } from '../convert/index.ts'
import { decodeWeight } from '../quantize/index.ts'
import { parseRecipe } from '../recipe/index.ts'
import { subjectOf } from '../subject/index.ts'
import { folderContent } from './index.ts'

// Python with the library compressed-tensors, which reads its layouts: TESSERA_PYTHON=/path/to/python.
const python = process.env['TESSERA_PYTHON'] ?? 'python3'
const hasPython = spawnSync(python, ['--version']).status === 0
const script = fileURLToPath(new URL('../../../../tooling/golden/read_quantized.py', import.meta.url))

const step = (format: object, targets: string): object => ({ kind: 'quantize', method: 'rtn', format, targets })
describe.skipIf(!hasPython)(
  `Python reads the values of a compressed model's folder${hasPython ? '' : `: skipped, there is no ${python}`}`,
  () => {
    test.each([
      ['gptq', [step({ bits: 4, group: 64 }, 'layers.0.attention.*')]],
      ['gptq', [step({ bits: 3, group: 'row', symmetric: true }, 'layers.0.attention.*')]],
      ['awq', [step({ bits: 4, group: 32 }, 'layers.0.attention.*')]],
      [
        'compressed-tensors',
        [
          step({ bits: 8, group: 'row', symmetric: true }, 'layers.0.attention.*'),
          step({ bits: 4, group: 64 }, 'layers.0.attention.key'),
        ],
      ],
      ['compressed-tensors', [step({ codebook: 'fp8_e4m3', group: 'row' }, 'layers.0.attention.*')]],
      [
        'compressed-tensors',
        [
          step({ codebook: 'fp8_e4m3', group: 'tensor' }, 'layers.0.attention.*'),
          step({ bits: 4, group: 64 }, 'layers.0.attention.key'),
        ],
      ],
    ])('%s %j', async (layout, steps) => {
      const { tensors, config } = await huggingFaceContent(
        await readGguf(bufferSource(await readFile(tinyModel.ggufUrl))),
      )
      const checkpoint = safetensorsCheckpointOf(tensors)
      const subject = subjectOf(checkpoint, { families: [llamaFamily], config })
      const recipe = parseRecipe({ layout, steps })
      const applied = await applyRecipe(subject, recipe, { device: createReferenceDevice() })
      const content = await folderContent(applied, subject, checkpoint, { config, layout: recipe.layout })
      const folder = await mkdtemp(join(tmpdir(), 'tessera-python-'))
      try {
        const sink = bufferSink()
        await writeSafetensors({ tensors: content.tensors }, sink)
        await writeFile(join(folder, 'model.safetensors'), sink.bytes())
        await writeFile(join(folder, 'config.json'), JSON.stringify(content.config))
        const { values } = JSON.parse(
          execFileSync(python, [script, join(folder, 'model.safetensors'), join(folder, 'config.json')], {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'pipe'],
            maxBuffer: 2 ** 26,
          }),
        ) as { values: Record<string, number[]> }
        expect(Object.keys(values).sort()).toEqual(
          ['k', 'o', 'q', 'v'].map((name) => `model.layers.0.self_attn.${name}_proj`),
        )
        for (const name of applied.assignments.keys()) {
          const stored = subject.weights.get(name)?.storedName.replace(/\.weight$/, '') ?? ''
          const expected = decodeWeight((await applied.weight(name)).weight)
          const read = Float32Array.from(values[stored] ?? [])
          expect(read.length).toBe(expected.length)
          expect(read.findIndex((value, index) => value !== expected[index])).toBe(-1)
        }
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  },
)
