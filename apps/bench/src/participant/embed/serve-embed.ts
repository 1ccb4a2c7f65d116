import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTokenizerFromJson, type Fields } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { textsOf } from '../../workload/embed-workloads.ts'
import type { EmbedWorkload } from '../../workload/index.ts'
import { promptText } from '../model/index.ts'
import type { Description, Participant } from '../protocol.ts'
import { type EmbedEngine, measureEmbed } from './measure.ts'

export interface EmbedTexts {
  readonly texts: readonly string[]
  /** Token ids of each text, special tokens included. */
  readonly ids: readonly (readonly number[])[]
}

export interface EmbedAdapter {
  describe(workload: EmbedWorkload, engine: EmbedEngine): Description
  open(workload: EmbedWorkload, texts: EmbedTexts): Promise<EmbedEngine>
}

export const isEmbed = (workload: { readonly kind: string }): workload is EmbedWorkload => workload.kind === 'embed'

/** Texts of a workload, and their tokens for participants without a tokenizer. */
export function tokenized(workload: EmbedWorkload): EmbedTexts {
  const read = (name: string): Fields => JSON.parse(readFileSync(join(workload.folder, name), 'utf8')) as Fields
  const tokenizer = createTokenizerFromJson(read('tokenizer.json'), read('tokenizer_config.json'))
  const texts = textsOf(workload, promptText())
  return { texts, ids: texts.map((text) => tokenizer.encode(text)) }
}

export function createEmbedParticipant({ describe, open }: EmbedAdapter): Participant {
  let engine: EmbedEngine | undefined
  return {
    async prepare(asked) {
      if (!isEmbed(asked)) throw new TesseraError('invalid-option', `bench: embedding is no ${asked.kind}`)
      engine = await open(asked, tokenized(asked))
      return describe(asked, engine)
    },
    async measure() {
      if (!engine) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      return measureEmbed(engine)
    },
    async close() {
      await engine?.close()
    },
  }
}
