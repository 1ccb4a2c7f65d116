import type { Divergence } from '@tessera-llm/evaluation'
import type { GgufCheckpoint, GgufValue, TensorData } from '@tessera-llm/formats'
import { calibrateHeads, convertCheckpointHeads, type HeadCalibration } from '@tessera-llm/optimize'
import type { LanguageModel } from '@tessera-llm/runtime'
import { changedCheckpoint } from './changed-checkpoint.ts'
import type { Converted, ConvertRequest } from './protocol.ts'

export interface HeadConverter {
  /** Merges the heads of the multi-head twin and measures the loss against the model itself. */
  convert(request: ConvertRequest): Promise<Converted>
}

/**
 * The model already has fewer KV heads than query heads. Repeating each for its query heads gives an equivalent
 * multi-head twin.
 */
export function createHeadConverter(
  checkpoint: GgufCheckpoint,
  model: LanguageModel,
  texts: readonly (readonly number[])[],
  compare: (changed: GgufCheckpoint) => Promise<Divergence>,
  load: (changed: GgufCheckpoint) => Promise<LanguageModel>,
): HeadConverter {
  let twin: Promise<{ readonly checkpoint: GgufCheckpoint; readonly calibration: HeadCalibration }> | undefined
  const makeTwin = async () => {
    const expanded = await multiHeadTwin(checkpoint, model)
    const loaded = await load(expanded)
    try {
      return { checkpoint: expanded, calibration: await calibrateHeads(loaded, texts) }
    } finally {
      loaded.dispose()
    }
  }
  return {
    async convert({ numKvHeads, method }) {
      const { checkpoint: mha, calibration } = await (twin ??= makeTwin())
      const converted = convertCheckpointHeads(mha, { numKvHeads, method, calibration })
      const { kld, top1Agreement, compared } = await compare(
        await changedCheckpoint(mha, converted.tensors, converted.metadata),
      )
      return {
        numKvHeads,
        method,
        cacheBytesPerToken: 2 * converted.cacheValuesPerToken.after,
        perplexity: compared.perplexity,
        kld,
        top1Agreement,
      }
    },
  }
}

/** Repeats every KV head for each query head that reads it: equivalent multi-head attention. */
async function multiHeadTwin(
  checkpoint: GgufCheckpoint,
  { config: { numHeads, numKvHeads } }: LanguageModel,
): Promise<GgufCheckpoint> {
  const times = numHeads / numKvHeads
  const changes = [...checkpoint.tensors.values()].map((stored): TensorData => {
    if (!/\.attn_[kv]\.weight$/.test(stored.name)) return stored
    const [rows = 0, ...rest] = stored.shape
    const bytes = async (): Promise<Uint8Array> => {
      const once = await stored.read()
      const headBytes = once.length / numKvHeads
      const all = new Uint8Array(once.length * times)
      for (let head = 0; head < numHeads; head++)
        all.set(
          once.subarray(Math.floor(head / times) * headBytes, (Math.floor(head / times) + 1) * headBytes),
          head * headBytes,
        )
      return all
    }
    return { name: stored.name, shape: [rows * times, ...rest], format: stored.format, bytes }
  })
  const headCount: GgufValue = { type: 'u32', value: numHeads }
  return changedCheckpoint(
    checkpoint,
    changes,
    new Map(checkpoint.typedMetadata).set('llama.attention.head_count_kv', headCount),
  )
}
