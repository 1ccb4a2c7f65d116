import { add, scale } from '@tessera-llm/kernels'
import type { Tensor } from '@tessera-llm/tensor'
import { type Attention, attend } from './attention.ts'
import { type BlockInput, blockInput } from './input.ts'
import { feedForward, type Mlp } from './mlp.ts'
import { type Norm, normalize } from './norm.ts'
import type { LayerPass } from './pass.ts'

/** A transformer layer. Which norms there are, and where, is what most architectures differ in. */
export interface Layer {
  /** `sequential` feeds the sum after attention to the MLP; `parallel` feeds both blocks the layer's input. */
  readonly order: 'sequential' | 'parallel'
  readonly attention: Branch<Attention>
  readonly mlp: Branch<Mlp>
  /** Factor of what each block adds. */
  readonly residualScale?: number | undefined
}

/** `ofSum(x + after(block(before(x))))`, where norms that are absent change nothing. */
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
  // In a parallel layer the blocks may share their norm; nothing computes it twice.
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
  // Where nothing comes between, the last linear layer of the block adds.
  if (!after && factor === undefined) sum = run(input, residual)
  else {
    const out = run(input)
    pass.report(blockName, out)
    // The norm adds, unless someone looks at what it gives.
    if (after && factor === undefined && !pass.options.observe) sum = normalize(out, after, residual)
    else {
      const normed = named(out, after, afterName, pass)
      sum = add(residual, factor === undefined ? normed : scale(normed, { factor }))
    }
  }
  return ofSum ? normalize(sum, ofSum) : sum
}

/** Applies and reports a norm; without one, x itself. */
function named(x: Tensor, norm: Norm | undefined, name: string, pass: LayerPass): Tensor {
  if (!norm) return x
  const normed = normalize(x, norm)
  pass.report(name, normed)
  return normed
}

/** All layers one after the other, each with what it left freed but its output; disposes `hidden`. */
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
