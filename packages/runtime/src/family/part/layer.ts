import { add, scale } from '@tessera-llm/kernels'
import type { Tensor } from '@tessera-llm/tensor'
import { type Attention, attend } from './attention.ts'
import { type BlockInput, blockInput } from './input.ts'
import { feedForward, type Mlp } from './mlp.ts'
import { type Norm, normalize } from './norm.ts'
import type { LayerPass } from './pass.ts'

/** A transformer layer. Architectures differ mostly in which norms they have, and where. */
export interface Layer {
  /** `sequential` feeds the sum after attention to the MLP; `parallel` feeds both blocks the layer's input. */
  readonly order: 'sequential' | 'parallel'
  readonly attention: Branch<Attention>
  readonly mlp: Branch<Mlp>
  /** Factor of each block's output. */
  readonly residualScale?: number | undefined
}

/** `ofSum(x + after(block(before(x))))`; absent norms are the identity. */
export interface Branch<Block> {
  readonly before?: Norm | undefined
  readonly block: Block
  readonly after?: Norm | undefined
  readonly ofSum?: Norm | undefined
}

/** x f32[T, D] → f32[T, D]. */
function forwardLayer(x: Tensor, layer: Layer, pass: LayerPass): Tensor {
  const { attention, mlp, residualScale } = layer
  const run = {
    attention: (input: BlockInput, residual?: Tensor) => attend(input, attention.block, pass, residual),
    mlp: (input: BlockInput, residual?: Tensor) => feedForward(input, mlp.block, pass.options, residual),
  }
  const before = blockInput(x, attention.before, 'attn_norm', pass)
  const attended = addBranch(x, before, attention, run.attention, ['attn_proj', 'post_attn_norm'], residualScale, pass)
  // Blocks of a parallel layer may share their norm, which is computed once.
  const input =
    layer.order === 'sequential'
      ? blockInput(attended, mlp.before, 'ffn_norm', pass)
      : mlp.before === attention.before
        ? before
        : blockInput(x, mlp.before, 'ffn_norm', pass)
  return addBranch(attended, input, mlp, run.mlp, ['mlp', 'post_ffw_norm'], residualScale, pass)
}

function addBranch<Block>(
  residual: Tensor,
  input: BlockInput,
  { after, ofSum }: Branch<Block>,
  run: (input: BlockInput, residual?: Tensor) => Tensor,
  [blockName, afterName]: readonly [string, string],
  factor: number | undefined,
  pass: LayerPass,
): Tensor {
  let sum: Tensor
  // Without a norm or factor after the block, its last linear layer adds the residual.
  if (!after && factor === undefined) sum = run(input, residual)
  else {
    const out = run(input)
    pass.report(blockName, out)
    // The norm adds the residual, unless its output is observed.
    if (after && factor === undefined && !pass.options.observe) sum = normalize(out, after, residual)
    else {
      const normed = named(out, after, afterName, pass)
      sum = add(residual, factor === undefined ? normed : scale(normed, { factor }))
    }
  }
  return ofSum ? normalize(sum, ofSum) : sum
}

/** Applies and reports a norm; without a norm returns x. */
function named(x: Tensor, norm: Norm | undefined, name: string, pass: LayerPass): Tensor {
  if (!norm) return x
  const normed = normalize(x, norm)
  pass.report(name, normed)
  return normed
}

/** Runs all layers in order and frees every intermediate tensor of a layer except its output; disposes of `hidden`. */
export function forwardLayers(hidden: Tensor, layers: readonly Layer[], passOf: (index: number) => LayerPass): Tensor {
  const { device } = hidden
  let current = hidden
  for (const [index, layer] of layers.entries()) {
    const pass = passOf(index)
    const next = device.scope((scope) => scope.keep(forwardLayer(current, layer, pass)))
    current.dispose()
    current = next
    pass.report('output', current)
  }
  return current
}
