import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { QuantizeStep } from '@tessera-llm/optimize'
import { TesseraError } from '@tessera-llm/tensor'
import { optimizeModel } from '@tessera-llm/tessera/node'
import { promptText } from '../participant/model/index.ts'
import type { Description, Participant } from '../participant/index.ts'
import type { QuantizeWorkload, Workload } from '../workload/index.ts'

/** Tokens of a window of calibration. */
const window = 512

/** More than a token has in any vocabulary, so that the text has enough tokens. */
const charactersPerToken = 8

/** The whole call: the model is opened, made smaller and written to the disk. */
export function createQuantizeParticipant(describe: (workload: Workload) => Description): Participant {
  let workload: QuantizeWorkload | undefined
  let folder = ''
  return {
    async prepare(asked) {
      if (asked.kind !== 'quantize') throw new TesseraError('invalid-option', `bench: quantizing is no ${asked.kind}`)
      workload = asked
      folder = await mkdtemp(join(tmpdir(), 'tessera-quantize-'))
      await writeFile(join(folder, 'text.txt'), calibrationText(asked))
      return describe(asked)
    },
    async measure() {
      if (!workload) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      const { model, threads, method, format, windows, megabytes } = workload
      const step: QuantizeStep = { kind: 'quantize', method, format, targets: 'layers.**' }
      const output = join(folder, typeof format === 'string' ? 'out.gguf' : 'out')
      const [start, before] = [performance.now(), process.cpuUsage()]
      await optimizeModel({
        input: model,
        output,
        recipe: { name: workload.id, calibration: { window, windows: Math.max(1, windows) }, steps: [step] },
        ...(windows > 0 ? { calibration: join(folder, 'text.txt') } : {}),
        device: 'wasm',
        threads,
      })
      const time = (performance.now() - start) / 1000
      const { user, system } = process.cpuUsage(before)
      await rm(output, { recursive: true })
      return { figures: { time, processor: (user + system) / 1e6, rate: megabytes / time } }
    },
    async close() {
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The bench's text over and over, until it has the tokens that the workload calibrates on. */
export function calibrationText({ windows }: Pick<QuantizeWorkload, 'windows'>): string {
  const text = promptText()
  return text.repeat(Math.ceil((windows * window * charactersPerToken) / text.length))
}
