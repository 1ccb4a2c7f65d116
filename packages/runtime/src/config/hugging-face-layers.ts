import type { ModelConfig } from './config.ts'
import { type FieldReader, type Fields, readFields } from './fields.ts'
import { ropesFrom } from './hugging-face-rope.ts'

/** Architectures without rotary positions. */
const unrotated: readonly string[] = ['gpt2', 'opt', 'bloom']
/** Architectures whose configs state a window that applies only if `use_sliding_window` is set. */
const switched: readonly string[] = ['qwen2', 'qwen3', 'smollm3']

/** Rotation and window of every layer. */
export function layersFrom(
  config: Fields,
  architecture: string,
  numLayers: number,
  headDim: number,
): Pick<ModelConfig, 'ropes' | 'windows'> {
  const fields = readFields(config, 'config.json')
  const indices = Array.from({ length: numLayers }, (_, index) => index)
  const window =
    fields.has('sliding_window') && fields.boolean('use_sliding_window', !switched.includes(architecture))
      ? fields.integer('sliding_window')
      : undefined
  const isLocal = localLayers(fields, architecture)
  const local = indices.map((index) => window !== undefined && isLocal(index))
  const windows = local.includes(true) ? local.map((sees) => (sees ? window : undefined)) : undefined
  if (unrotated.includes(architecture)) return { ropes: indices.map(() => undefined), windows }
  const ropes = ropesFrom(config, headDim)
  const isRotated = rotatedLayers(fields, architecture)
  return {
    ropes: indices.map((index) => (isRotated(index) ? (local[index] ? ropes.local : ropes.global) : undefined)),
    windows,
  }
}

/** Predicate for layers with a window: by `layer_types`, or by the architecture's rule if an older config omits it. */
function localLayers(fields: FieldReader, architecture: string): (index: number) => boolean {
  const types = fields.list('layer_types')
  if (types) return (index) => types[index] === 'sliding_attention'
  switch (architecture) {
    case 'gemma2':
      return (index) => index % 2 === 0
    case 'gemma3': {
      const every = fields.integer(['sliding_window_pattern', '_sliding_window_pattern'], 6)
      return (index) => (index + 1) % every !== 0
    }
    case 'qwen2':
    case 'qwen3': {
      const first = fields.integer('max_window_layers', 28)
      return (index) => index >= first
    }
    default:
      return () => true
  }
}

/**
 * Predicate for layers with rotation. SmolLM3 omits it in every fourth layer, or in those that `no_rope_layers` marks
 * by 0.
 */
function rotatedLayers(fields: FieldReader, architecture: string): (index: number) => boolean {
  if (architecture !== 'smollm3') return () => true
  const marks = fields.list('no_rope_layers')
  if (marks) return (index) => marks[index] !== 0
  const every = fields.integer('no_rope_layer_interval', 4)
  return (index) => (index + 1) % every !== 0
}
