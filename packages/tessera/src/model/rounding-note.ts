import type { Checkpoint } from '@tessera-llm/formats'
import type { SessionOptions } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'

const denseFormats = ['f32', 'f16', 'bf16']

/**
 * A note for a request to round the inputs of linear layers that has no effect, because only packed weights have
 * kernels that round: the model has no packed weights, or devices of this kind decode some of its quantized weights.
 * Undefined if the request takes effect.
 */
export function roundingNote(
  checkpoint: Checkpoint,
  activations: SessionOptions['activations'],
  device: Device['kind'],
): string | undefined {
  if (activations === undefined || activations === 'f32') return undefined
  const matrices = [...checkpoint.tensors.values()].filter(({ shape }) => shape.length === 2)
  const isDense = ({ format, codes }: (typeof matrices)[number]): boolean =>
    denseFormats.includes(format) && codes?.formatFor(device) === undefined
  // Other dense weights were never quantized: embeddings, heads, and layers that a recipe left out.
  const quantized = matrices.filter(({ name }) => storageOf(checkpoint)?.has(name))
  const decoded = quantized.filter(isDense)
  if (decoded.length > 0)
    return `activations ${activations}: ${decoded.length} of ${quantized.length} quantized weights (${decoded[0]?.name}) are not packed on ${device} but decoded, so their inputs are not rounded`
  return matrices.every(isDense)
    ? `activations ${activations}: no weight of the model is packed, so no input is rounded`
    : undefined
}

function storageOf(checkpoint: Checkpoint): ReadonlyMap<string, unknown> | undefined {
  return 'storage' in checkpoint ? (checkpoint.storage as ReadonlyMap<string, unknown>) : undefined
}
