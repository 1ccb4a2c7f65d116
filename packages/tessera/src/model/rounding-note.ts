import type { Checkpoint } from '@tessera-llm/formats'
import type { SessionOptions } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'

const denseFormats = ['f32', 'f16', 'bf16']

/**
 * What to say where inputs of linear layers are to be rounded and nothing rounds them, because only packed weights have kernels that do: weights
 * that are stored quantized and that a device of this kind holds decoded, or a model without packed weights. Undefined where all is as asked.
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
  // What else is dense was not quantized: embeddings, heads, and what a recipe left out.
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
