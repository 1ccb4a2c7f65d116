import {
  blobSource,
  bufferSource,
  type ByteSource,
  type Checkpoint,
  type HttpOptions,
  httpSource,
  readGguf,
} from '@tessera-llm/formats'
import { ggmlPackers } from '@tessera-llm/quantization'
import {
  architectureOf,
  createEmbedder,
  decoderFamilies,
  type EncoderFamily,
  encoderFamilies,
  type Fields,
  loadEncoder,
  loadModel,
  type LoadProgress as WeightProgress,
  type ModelFamily,
  plainSentenceConfig,
  sentenceConfigFrom,
  sentenceConfigFromGguf,
  type SentenceFiles,
  type SessionOptions,
} from '@tessera-llm/runtime'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import {
  createDefaultDevice,
  type DefaultDeviceOptions,
  type DeviceChoice,
  whenStarted,
} from '../device/create-default-device.ts'
import { createEncoderModel } from './encoder-model.ts'
import { createModel, type Model } from './model.ts'
import { roundingNote } from './rounding-note.ts'
import { type ModelText, textOfGguf, textOfHuggingFace } from './text.ts'
import { wholeWeights } from './whole-weights.ts'

/** Decoder families that `load` supports. */
export const defaultFamilies: readonly ModelFamily[] = decoderFamilies

/** Encoder families that `load` supports. */
export const defaultEncoderFamilies: readonly EncoderFamily[] = encoderFamilies

/** Progress of `load`. */
export interface LoadProgress {
  /** `download`: from the hub into the cache on disk. `weights`: from the files to the device. */
  readonly phase: 'download' | 'weights'
  /** Bytes loaded in this phase. */
  readonly loadedBytes: number
  readonly totalBytes: number
  /** The tensor to which the bytes belong; undefined for a download. */
  readonly tensor?: string | undefined
}

/** Options of `load`: the device, the model's session, and the architectures to support. */
export interface LoadOptions extends Omit<DefaultDeviceOptions, 'device' | 'waitForWorkers'>, SessionOptions {
  /** A kind of device, or a device that the caller made and disposes of. Default `auto`. */
  readonly device?: DeviceChoice | Device | undefined
  readonly families?: readonly ModelFamily[] | undefined
  readonly encoderFamilies?: readonly EncoderFamily[] | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
  /** Receives a line for people about an option that has no effect on this model. */
  readonly onNote?: ((line: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** Headers, retries and time limits of requests, for a URL or a model of the hub. */
  readonly http?: HttpOptions | undefined
  /**
   * Result of `textOfGguf` or `textOfHuggingFace`, for callers that need it before the weights. Default: read again.
   */
  readonly text?: ModelText | undefined
}

/** The parsed files of a Hugging Face folder. */
export interface HuggingFaceFiles {
  readonly checkpoint: Checkpoint
  /** `config.json` */
  readonly config: Fields
  /** `tokenizer.json`; without it the model computes with token ids only. */
  readonly tokenizer?: Fields | undefined
  /** `tokenizer_config.json`: special tokens and the chat template. */
  readonly tokenizerConfig?: Fields | undefined
  /** Files of sentence-transformers: the pooling of an encoder's states to one vector. */
  readonly sentence?: SentenceFiles | undefined
}

/**
 * Loads a GGUF model, a decoder or an encoder, from a URL, a `Blob` or `File`, bytes, or any `ByteSource`, which stays
 * open. In Node.js, `load` of `@tessera-llm/tessera/node` takes paths too.
 *
 * @throws TesseraError `invalid-file`, `unsupported`, `network`, `out-of-memory` or `aborted`
 */
export async function load(
  source: string | URL | Blob | Uint8Array | ByteSource,
  options: LoadOptions = {},
): Promise<Model> {
  return withDevice(options, async (device) => {
    const { signal } = options
    const bytes = await openSource(source, options)
    try {
      const checkpoint = await readGguf(bytes, { signal })
      return await build(checkpoint, undefined, undefined, options.text ?? textOfGguf(checkpoint), options, device)
    } finally {
      if (bytes !== source) await bytes.close()
    }
  })
}

/** Loads an open GGUF checkpoint; the caller closes it. */
export async function loadCheckpoint(checkpoint: Checkpoint, options: LoadOptions = {}): Promise<Model> {
  return withDevice(options, async (device) =>
    build(checkpoint, undefined, undefined, options.text ?? textOfGguf(checkpoint), options, device),
  )
}

/**
 * Loads a safetensors checkpoint, of a decoder or an encoder, with its configuration files. Weights may be stored in
 * the layouts of GPTQ, AWQ and compressed-tensors.
 */
export async function loadHuggingFace(files: HuggingFaceFiles, options: LoadOptions = {}): Promise<Model> {
  return withDevice(options, async (device) =>
    build(
      await wholeWeights(files.checkpoint, files.config),
      files.config,
      files.sentence,
      options.text ?? textOfHuggingFace(files),
      options,
      device,
    ),
  )
}

/** Creates the requested device while `work` reads headers and tokenizers; disposes of it if `work` fails. */
async function withDevice(options: LoadOptions, work: (device: Promise<Device>) => Promise<Model>): Promise<Model> {
  const { device: choice } = options
  if (typeof choice === 'object') return work(Promise.resolve(choice))
  const starting = createDefaultDevice({ ...options, device: choice, waitForWorkers: false })
  // `work` may fail before it awaits the device, whose error would then be unhandled.
  starting.catch(() => {})
  try {
    const model = await work(starting)
    // Weights were loaded while the workers were starting.
    await whenStarted(model.device)
    return model
  } catch (error) {
    await starting.then(
      (device) => device.dispose(),
      () => {},
    )
    throw error
  }
}

async function build(
  checkpoint: Checkpoint,
  config: Fields | undefined,
  sentence: SentenceFiles | undefined,
  text: ModelText,
  options: LoadOptions,
  starting: Promise<Device>,
): Promise<Model> {
  const {
    device: choice,
    families = defaultFamilies,
    encoderFamilies: encoders = defaultEncoderFamilies,
    activations,
    onProgress,
    onNote,
    signal,
  } = options
  const device = await starting
  const note = roundingNote(checkpoint, activations, device.kind)
  if (note !== undefined) onNote?.(note)
  const ownedDevice = typeof choice === 'object' ? undefined : device
  const common = {
    device,
    packers: ggmlPackers,
    onProgress: onProgress && ((progress: WeightProgress) => onProgress({ phase: 'weights', ...progress })),
    signal,
  }
  const architecture = architectureOf(checkpoint, config)
  if (encoders.some(({ architectures }) => architectures.includes(architecture))) {
    const pooling =
      config === undefined
        ? sentenceConfigFromGguf(checkpoint.metadata as Fields)
        : sentence
          ? sentenceConfigFrom(sentence)
          : plainSentenceConfig
    const encoder = await loadEncoder(checkpoint, { ...common, families: encoders, config })
    return createEncoderModel({
      embedder: createEmbedder(encoder, text.tokenizer, pooling, { activations }),
      tokenizer: text.tokenizer,
      ownedDevice,
    })
  }
  const model = await loadModel(checkpoint, { ...common, families, config, contextLength: options.contextLength })
  return createModel({ model, ...text, ownedDevice, session: options })
}

async function openSource(
  source: string | URL | Blob | Uint8Array | ByteSource,
  { http, signal }: LoadOptions,
): Promise<ByteSource> {
  const connection = { ...http, ...(signal === undefined ? {} : { signal }) }
  if (source instanceof Uint8Array) return bufferSource(source)
  if (source instanceof Blob) return blobSource(source)
  if (source instanceof URL) return httpSource(source.href, connection)
  if (typeof source !== 'string') return source
  if (/^https?:/.test(source)) return httpSource(source, connection)
  throw new TesseraError(
    'invalid-option',
    `load: ${JSON.stringify(source)} is not an http(s) URL; in Node.js import load from @tessera-llm/tessera/node to open paths`,
  )
}
