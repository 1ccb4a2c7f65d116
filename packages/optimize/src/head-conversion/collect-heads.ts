import { createMomentSum, type HeadMoments, type KeyRotation } from '@tessera-llm/attention'
import type { TransformerConfig } from '@tessera-llm/runtime'
import type { Tensor } from '@tessera-llm/tensor'

/** Statistics of one layer for the methods `activation` and `principal`. */
export interface LayerCalibration {
  readonly moments: HeadMoments
  /** Rotation of keys by the model's positions. */
  readonly keyRotation: KeyRotation
}

/** Statistics of the heads of all layers, in order, over `tokens` tokens of text. */
export interface HeadCalibration {
  readonly layers: readonly LayerCalibration[]
  readonly tokens: number
}

/** Accumulates the second moments of queries, keys and values of every layer while a model runs. */
export interface HeadCollector {
  /** Observer for the forward pass. */
  readonly observe: (name: string, tensor: Tensor) => void
  /** Resolves when all observed tensors have been added. */
  settle(): Promise<void>
  result(): HeadCalibration
}

export function collectHeads({ numLayers, numHeads, numKvHeads, headDim, ropes }: TransformerConfig): HeadCollector {
  const sums = Array.from({ length: numLayers }, () => ({
    query: Array.from({ length: numKvHeads }, () => createMomentSum(headDim)),
    key: createMomentSum(numKvHeads * headDim),
    value: createMomentSum(numKvHeads * headDim),
  }))
  // Query heads of one KV head are adjacent.
  const groupWidth = (numHeads / numKvHeads) * headDim
  const add = (layer: number, part: string, rows: Float32Array): void => {
    const sum = sums[layer]
    if (part === 'k') sum?.key.add(rows)
    else if (part === 'v') sum?.value.add(rows)
    else
      for (let at = 0; at < rows.length; at += groupWidth)
        sum?.query[(at / groupWidth) % numKvHeads]?.add(rows.subarray(at, at + groupWidth))
  }
  let reads: Promise<void>[] = []
  return {
    observe(name, tensor) {
      const [, layer, part] = /^layers\.(\d+)\.([qkv])$/.exec(name) ?? []
      if (layer !== undefined && part !== undefined)
        reads.push(tensor.device.read(tensor).then((values) => add(Number(layer), part, values as Float32Array)))
    },
    async settle() {
      const pending = reads
      reads = []
      await Promise.all(pending)
    },
    result: () => ({
      tokens: sums[0]?.key.tokens ?? 0,
      layers: sums.map(({ query, key, value }, layer) => ({
        moments: { key: key.moments, value: value.moments, query: concatenate(query.map(({ moments }) => moments)) },
        keyRotation: rotationOf(ropes[layer]),
      })),
    }),
  }
}

function rotationOf(rope: TransformerConfig['ropes'][number]): KeyRotation {
  return rope ? { kind: 'rope', style: rope.style, rotaryDim: rope.rotaryDim } : { kind: 'orthogonal' }
}

function concatenate(arrays: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const array of arrays) {
    all.set(array, at)
    at += array.length
  }
  return all
}
