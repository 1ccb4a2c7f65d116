import { type CacheKind, denseCache, quantizedCache } from '@tessera-llm/attention'
import { linearActivations } from '@tessera-llm/kernels'
import { defaultActivations, defaultCache, type Session } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import type { Argv, Options } from 'yargs'

const cacheNames = ['f32', 'f16', 'int8', 'fp8', 'int4', 'int2'] as const
export type CacheName = (typeof cacheNames)[number]

/** Options of every command that loads a model. */
export interface ModelArguments {
  readonly model: string
  readonly device: 'auto' | 'wasm' | 'webgpu' | 'reference'
  readonly threads: number | undefined
  /** Undefined for the session's default for the device. */
  readonly activations: Session['activations'] | undefined
  readonly context: number | undefined
  /** Undefined for the session's default for the activations. */
  readonly cache: CacheName | undefined
  readonly json: boolean
}

/** MODEL and `--json`, which every command has. */
export function commonOptions(yargs: Argv): Argv<Pick<ModelArguments, 'model' | 'json'>> {
  return yargs
    .positional('model', {
      type: 'string',
      demandOption: true,
      describe: 'a GGUF file, a folder with config.json and safetensors, an http(s) URL, or hf:owner/repo/file.gguf',
    })
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'print one JSON object on stdout, everything else on stderr',
    }) as Argv<Pick<ModelArguments, 'model' | 'json'>>
}

const device = {
  choices: ['auto', 'wasm', 'webgpu', 'reference'] as const,
  default: 'auto' as const,
  describe: 'where to compute; reference is float64 and slow',
}

function threads(): Options {
  return integer('threads', 1, { describe: 'WebAssembly threads (default: all cores)' })
}

function activations(preferred: 'exact' | 'faster'): Options {
  return {
    choices: linearActivations,
    ...(preferred === 'exact' ? { default: 'f32' } : { defaultDescription: 'int8 on wasm, f32 elsewhere' }),
    describe:
      'inputs of quantized layers: f32 is exact; int8 is faster on wasm, and may move perplexity by up to 0.5 %; int8-token has one scale a token, for weights that were made for it, int8-static the scales that a folder of static W8A8 holds, int4-token 4 bits, for rotated models',
  }
}

type EncoderArguments = Pick<ModelArguments, 'model' | 'json' | 'device' | 'threads' | 'activations'>

/** Options of commands that load an encoder, which has no context to choose. */
export function encoderOptions(yargs: Argv): Argv<EncoderArguments> {
  return commonOptions(yargs)
    .option('device', device)
    .option('threads', threads())
    .option('activations', activations('faster')) as Argv<EncoderArguments>
}

/** Options that decide the memory that a model needs. */
export function placeOptions(
  yargs: Argv,
): Argv<Pick<ModelArguments, 'model' | 'json' | 'device' | 'context' | 'cache'>> {
  return commonOptions(yargs)
    .option('device', device)
    .option(
      'context',
      integer('context', 1, { describe: 'longest context in tokens (default: what the command needs)' }),
    )
    .option('cache', {
      choices: cacheNames,
      defaultDescription: 'f16 where activations are int8, f32 where they are f32',
      describe: 'how keys and values are kept: fewer bits hold a longer context in the same memory',
    }) as Argv<Pick<ModelArguments, 'model' | 'json' | 'device' | 'context' | 'cache'>>
}

/**
 * All options of a command that loads a decoder. Commands that measure a model default to `exact` activations, others
 * to the faster ones of the device.
 */
export function modelOptions(yargs: Argv, preferred: 'exact' | 'faster'): Argv<ModelArguments> {
  return placeOptions(yargs)
    .option('threads', threads())
    .option('activations', activations(preferred)) as Argv<ModelArguments>
}

type NumberOption<O extends Options> = O & { readonly type: 'number'; readonly coerce: (value: number) => number }

/** An integer option of at least `least`. */
export function integer<O extends Options>(name: string, least: number, options: O): NumberOption<O> {
  return numeric(options, (value) =>
    Number.isSafeInteger(value) && value >= least ? undefined : `--${name} must be an integer of at least ${least}`,
  )
}

/** A numeric option, which yargs would take as NaN where it is no number. */
export function decimal<O extends Options>(name: string, options: O): NumberOption<O> {
  return numeric(options, (value) => (Number.isNaN(value) ? `--${name} must be a number` : undefined))
}

/** A number for which `refusal` says what is wrong with it, if anything is; one that is not given is never wrong. */
function numeric<O extends Options>(options: O, refusal: (value: number) => string | undefined): NumberOption<O> {
  return {
    ...options,
    type: 'number',
    coerce: (value) => {
      const wrong = value === undefined ? undefined : refusal(value)
      if (wrong !== undefined) throw new Error(wrong)
      return value
    },
  }
}

/** `auto` is WebAssembly: WebGPU in Node.js is an optional package, and slower without a GPU. */
export function kindOf(device: ModelArguments['device']): Device['kind'] {
  return device === 'auto' ? 'wasm' : device
}

/** The cache of `--cache`; without it the session's default. */
export function cacheOf({
  cache: name,
  device,
  activations = defaultActivations(kindOf(device)),
}: Pick<ModelArguments, 'cache' | 'device'> & Partial<Pick<ModelArguments, 'activations'>>): CacheKind {
  if (name === undefined) return defaultCache(activations)
  return name === 'f32' || name === 'f16' ? denseCache(name) : quantizedCache(name)
}

/** Tokens that prefill computes between two checks for Ctrl-C. */
export function chunkTokens(device: ModelArguments['device']): number {
  return device === 'reference' ? 8 : 128
}
