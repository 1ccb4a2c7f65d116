import type { Subject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import type { Merge } from './merges.ts'

/**
 * Divides the inputs of sites by positive scales f32[K]: other weights for the same function. Weights are scaled when
 * they are read.
 */
export function scaleSubject(
  subject: Subject,
  scaled: readonly { readonly merge: Merge; readonly scales: Float32Array }[],
): Subject {
  const weights = new Map(subject.weights)
  const change = (
    name: string,
    make: (values: Float32Array<ArrayBuffer>, shape: ModelWeight['shape']) => void,
  ): void => {
    const weight = weights.get(name)
    if (!weight) return
    const read: ModelWeight['read'] = async (signal) => {
      const values = await weight.read(signal)
      make(values, weight.shape)
      return values
    }
    weights.set(name, { ...weight, format: 'f32', read })
  }
  for (const {
    merge: { site, into, sources },
    scales,
  } of scaled) {
    for (const name of site.linears)
      change(name, (values) => eachElement(values, (value, i) => value * (scales[i % scales.length] as number)))
    if (into.kind === 'norm') {
      const { weight, bias, offset } = into
      change(weight, (values) => eachElement(values, (value, i) => (value + offset) / (scales[i] as number) - offset))
      if (bias !== undefined) change(bias, (values) => eachElement(values, (value, i) => value / (scales[i] as number)))
      continue
    }
    const byRow = sources ? scalesBySource(scales, sources) : scales
    change(into.weight, (values, [rows = 1]) => {
      const columns = values.length / rows
      eachElement(values, (value, i) => value / (byRow[Math.floor(i / columns)] as number))
    })
    change(`${into.weight}.bias`, (values) => eachElement(values, (value, i) => value / (byRow[i] as number)))
  }
  return { ...subject, weights }
}

/** The scale of each source element; columns of one element have equal scales. */
function scalesBySource(scales: Float32Array, sources: Int32Array): Float32Array {
  const out = new Float32Array(Math.max(...sources) + 1)
  for (const [column, source] of sources.entries()) out[source] = scales[column] as number
  return out
}

function eachElement(values: Float32Array, make: (value: number, index: number) => number): void {
  for (let i = 0; i < values.length; i++) values[i] = make(values[i] as number, i)
}
