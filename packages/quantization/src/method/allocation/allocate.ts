import { TesseraError } from '@tessera-llm/tensor'

/** One way to store a tensor. */
export interface AllocationOption {
  readonly bytes: number
  /** Quality loss in any unit that is additive over tensors, such as the measured or predicted divergence. */
  readonly loss: number
}

/** Result of `allocate`; `bytes` and `loss` are sums over the chosen options. */
export interface Allocation {
  /** The chosen option of each tensor. */
  readonly choices: readonly number[]
  readonly bytes: number
  readonly loss: number
  /** No choice within the budget loses less than this; equal to `loss` when the choice is proven best. */
  readonly lowerBound: number
}

/** Partial choices that are kept; beyond, the nearest in size are merged and the result is near-exact. */
const mostStates = 100_000

interface State {
  readonly bytes: number
  readonly loss: number
  readonly option: number
  readonly before: State | undefined
}

/**
 * Chooses an option for each tensor, so that all of them fit `budget` bytes and the summed loss is the least: the
 * multiple-choice knapsack problem. Exact by dynamic programming over choices that no other one beats in bytes and
 * loss, cut down by the bound of Lagrange's relaxation; hundreds of tensors take well under a second.
 *
 * @throws TesseraError `invalid-value` when no choice fits, with the least bytes that would, or an option is not
 *   finite; `invalid-option`
 */
export function allocate(tensors: readonly (readonly AllocationOption[])[], budget: number): Allocation {
  check(tensors, budget)
  const smallest = tensors.map((options) =>
    options.reduce(
      (best, option, index) => (option.bytes < (options[best] as AllocationOption).bytes ? index : best),
      0,
    ),
  )
  const least = smallest.reduce((sum, option, tensor) => sum + pick(tensors, tensor, option).bytes, 0)
  if (least > budget)
    throw new TesseraError(
      'invalid-value',
      `allocate: the smallest formats take ${least} bytes, the budget is ${budget}; raise it or offer smaller formats`,
      { details: { least, budget } },
    )
  const price = bestPrice(tensors, budget)
  const relaxed = tensors.map((options) => Math.min(...options.map(({ bytes, loss }) => loss + price * bytes)))
  const bound = relaxed.reduce((sum, value) => sum + value, 0) - price * budget
  let known = feasible(tensors, budget, price, smallest)
  let states: State[] = [{ bytes: 0, loss: 0, option: 0, before: undefined }]
  let restRelaxed = relaxed.reduce((sum, value) => sum + value, 0)
  let restBytes = least
  let isExact = true
  for (const [tensor, options] of tensors.entries()) {
    restRelaxed -= relaxed[tensor] as number
    restBytes -= (options[smallest[tensor] as number] as AllocationOption).bytes
    const most = known.loss + 1e-12 * Math.abs(known.loss)
    const grown = options
      .flatMap((option, index) =>
        states.map(
          (before): State => ({
            bytes: before.bytes + option.bytes,
            loss: before.loss + option.loss,
            option: index,
            before,
          }),
        ),
      )
      .filter(({ bytes, loss }) => bytes + restBytes <= budget && loss + price * (bytes - budget) + restRelaxed <= most)
    states = undominated(grown)
    if (states.length > mostStates) {
      states = thin(states)
      isExact = false
    }
  }
  const best = states.at(-1)
  if (best && best.loss < known.loss)
    known = { choices: choicesOf(best, tensors.length), bytes: best.bytes, loss: best.loss }
  return { ...known, lowerBound: isExact ? known.loss : Math.min(bound, known.loss) }
}

function pick(tensors: readonly (readonly AllocationOption[])[], tensor: number, option: number): AllocationOption {
  return (tensors[tensor] as readonly AllocationOption[])[option] as AllocationOption
}

function check(tensors: readonly (readonly AllocationOption[])[], budget: number): void {
  if (!(budget > 0))
    throw new TesseraError('invalid-option', `allocate: the budget is a number of bytes > 0, got ${budget}`)
  for (const [tensor, options] of tensors.entries()) {
    if (options.length === 0)
      throw new TesseraError('invalid-option', `allocate: tensor ${tensor} has no option; offer one format at least`)
    for (const [index, { bytes, loss }] of options.entries()) {
      if (!(bytes >= 0 && Number.isFinite(bytes) && Number.isFinite(loss)))
        throw new TesseraError(
          'invalid-value',
          `allocate: option ${index} of tensor ${tensor} has ${bytes} bytes and the loss ${loss}; both must be finite, bytes not negative`,
        )
    }
  }
}

/** The price of a byte at which the relaxed problem is bounded best: the least at which the cheapest choices fit. */
function bestPrice(tensors: readonly (readonly AllocationOption[])[], budget: number): number {
  const bytesAt = (price: number): number =>
    tensors.reduce((sum, options) => sum + (options[cheapest(options, price)] as AllocationOption).bytes, 0)
  if (bytesAt(0) <= budget) return 0
  let low = 0
  let high = 1e-12
  while (bytesAt(high) > budget) {
    low = high
    high *= 4
  }
  for (let turn = 0; turn < 100; turn++) {
    const middle = (low + high) / 2
    if (bytesAt(middle) > budget) low = middle
    else high = middle
  }
  return high
}

/** The option of least loss and priced bytes; of equals the smallest. */
function cheapest(options: readonly AllocationOption[], price: number): number {
  return options.reduce((best, { bytes, loss }, index) => {
    const found = options[best] as AllocationOption
    const difference = loss + price * bytes - (found.loss + price * found.bytes)
    return difference < 0 || (difference === 0 && bytes < found.bytes) ? index : best
  }, 0)
}

/** The choice at that price, then the step that gains most for its bytes as long as one fits. */
function feasible(
  tensors: readonly (readonly AllocationOption[])[],
  budget: number,
  price: number,
  smallest: readonly number[],
): { choices: readonly number[]; bytes: number; loss: number } {
  let choices = tensors.map((options) => cheapest(options, price))
  const total = (of: 'bytes' | 'loss'): number =>
    choices.reduce((sum, option, tensor) => sum + pick(tensors, tensor, option)[of], 0)
  if (total('bytes') > budget) choices = [...smallest]
  for (let left = budget - total('bytes'); ; left = budget - total('bytes')) {
    let best: { readonly tensor: number; readonly option: number; readonly rate: number } | undefined
    for (const [tensor, options] of tensors.entries()) {
      const now = options[choices[tensor] as number] as AllocationOption
      for (const [option, { bytes, loss }] of options.entries()) {
        if (loss >= now.loss || bytes - now.bytes > left) continue
        const rate = (now.loss - loss) / Math.max(bytes - now.bytes, 1e-9)
        if (!best || rate > best.rate) best = { tensor, option, rate }
      }
    }
    if (!best) return { choices, bytes: total('bytes'), loss: total('loss') }
    choices[best.tensor] = best.option
  }
}

/** By rising bytes and falling loss. */
function undominated(states: State[]): State[] {
  states.sort((a, b) => a.bytes - b.bytes || a.loss - b.loss)
  const kept: State[] = []
  let least = Number.POSITIVE_INFINITY
  for (const state of states) {
    if (state.loss >= least) continue
    least = state.loss
    kept.push(state)
  }
  return kept
}

/** Half of the states: of each two neighbours the one of less loss, and both ends. */
function thin(states: readonly State[]): State[] {
  return states.filter((_, index) => index === 0 || index === states.length - 1 || index % 2 === 1)
}

function choicesOf(state: State, count: number): number[] {
  const choices = new Array<number>(count)
  let at: State | undefined = state
  for (let tensor = count - 1; tensor >= 0; tensor--, at = at?.before) choices[tensor] = at?.option as number
  return choices
}
