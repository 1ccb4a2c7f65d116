import { attention } from '@tessera-llm/attention'
import { bufferSource, type GgufCheckpoint, readGguf } from '@tessera-llm/formats'
import { measureDivergence, measurePerplexity } from '@tessera-llm/evaluation'
import { checkpointWeights, isBlockLinear, type ModelWeights } from '@tessera-llm/optimize'
import { ggmlPackers } from '@tessera-llm/quantization'
import {
  createSession,
  createTokenizerFromGguf,
  llamaFamily,
  loadModel,
  type LanguageModel,
} from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { createDefaultDevice } from '@tessera-llm/tessera'
import { tinyModel } from '@tessera-llm/tiny-model'
import heldOut from '../../data/held-out.json'
import { captureLayer } from './capture-layer.ts'
import { createHeadConverter, type HeadConverter } from './convert-heads.ts'
import { createQuantizer, type Quantizer } from './quantize-weights.ts'
import type { Attended, AttendRequest, Engine } from './protocol.ts'

/**
 * Held-out text of the model's training, in windows of its context: the first three to measure on, the others to
 * calibrate on.
 */
const window = tinyModel.contextLength
const measured: readonly number[] = heldOut.slice(0, 3 * window)
const calibration: readonly (readonly number[])[] = Array.from({ length: 16 }, (_, index) =>
  heldOut.slice((index + 4) * window, (index + 5) * window),
)

/** The model on a device, with lazily derived data. */
interface Running {
  readonly device: Device
  readonly checkpoint: GgufCheckpoint
  readonly model: LanguageModel
  readonly weights: ModelWeights
  readonly quantizer: Quantizer
  readonly converter: HeadConverter
}

/** The engine in this thread. */
export function createLocalEngine(): Engine {
  let file: Promise<GgufCheckpoint> | undefined
  let running: Running | undefined
  const ready = (): Running => {
    if (!running) throw new Error('The model is not loaded yet.')
    return running
  }
  return {
    async start(kind) {
      file ??= fetchModel()
      const checkpoint = await file
      const device = await createDefaultDevice({ device: kind })
      const model = await load(checkpoint, device)
      running?.model.dispose()
      await running?.device.dispose()
      const weights = checkpointWeights(checkpoint)
      const perplexityOf = async (changed: GgufCheckpoint): Promise<number> =>
        withSession(changed, device, (session) => perplexity(session))
      running = {
        device,
        checkpoint,
        model,
        weights,
        quantizer: createQuantizer(checkpoint, weights, model, calibration, perplexityOf),
        converter: createHeadConverter(
          checkpoint,
          model,
          calibration,
          async (changed) =>
            withSession(changed, device, async (session) => {
              const original = createSession(model, { activations: 'f32' })
              try {
                return await measureDivergence(original, session, measured, { window, protocol: 'all' })
              } finally {
                original.dispose()
              }
            }),
          (changed) => load(changed, device),
        ),
      }
      const { numLayers, numHeads, numKvHeads, headDim, contextLength } = model.config
      const session = createSession(model, { activations: 'f32' })
      const facts = {
        device: device.name,
        numLayers,
        numHeads,
        numKvHeads,
        headDim,
        contextLength,
        matrices: [...weights.keys()].filter(isBlockLinear),
        perplexity: await perplexity(session),
      }
      session.dispose()
      return facts
    },
    async capture(request) {
      const { checkpoint, model } = ready()
      return captureLayer(model, createTokenizerFromGguf(checkpoint.metadata), request)
    },
    attend: async (request) => attendOn(ready().device, request),
    async matrix(name) {
      const weight = ready().weights.get(name)
      if (!weight) throw new Error(`The model has no matrix ${name}.`)
      return { rows: weight.shape[0] ?? 0, columns: weight.shape[1] ?? 0, values: await weight.read() }
    },
    quantize: (request) => ready().quantizer.quantize(request),
    convert: (request) => ready().converter.convert(request),
  }
}

async function fetchModel(): Promise<GgufCheckpoint> {
  const response = await fetch(tinyModel.ggufUrl)
  if (!response.ok) throw new Error(`The model could not be fetched (${response.status}).`)
  return readGguf(bufferSource(new Uint8Array(await response.arrayBuffer()), 'tiny.gguf'))
}

function load(checkpoint: GgufCheckpoint, device: Device): Promise<LanguageModel> {
  return loadModel(checkpoint, { device, packers: ggmlPackers, families: [llamaFamily] })
}

type Session = ReturnType<typeof createSession>

async function withSession<T>(
  checkpoint: GgufCheckpoint,
  device: Device,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const model = await load(checkpoint, device)
  const session = createSession(model, { activations: 'f32' })
  try {
    return await use(session)
  } finally {
    session.dispose()
    model.dispose()
  }
}

async function perplexity(session: Session): Promise<number> {
  return (await measurePerplexity(session, measured, { window, protocol: 'all' })).perplexity
}

/** The same call by two kernels of the device. */
async function attendOn(
  device: Device,
  { q, k, v, tokens, headDim, isCausal, window: width }: AttendRequest,
): Promise<Attended> {
  const count = tokens.length
  const upload = (values: Float32Array) => device.tensor(values, [1, count, values.length / count / headDim, headDim])
  const inputs = [upload(q), upload(k), upload(v)] as const
  const run = async (kernel: 'plain' | 'flash'): Promise<Float32Array> => {
    const { o } = attention(
      ...inputs,
      {
        isCausal,
        layout: 'blhd',
        returnLse: false,
        ...(width === undefined ? {} : { windowLeft: width - 1, ...(isCausal ? {} : { windowRight: width - 1 }) }),
      },
      { kernel },
    )
    const values = (await device.read(o)) as Float32Array
    o.dispose()
    return values
  }
  try {
    return { plain: await run('plain'), flash: await run('flash'), device: device.name }
  } finally {
    for (const tensor of inputs) tensor.dispose()
  }
}
