import { TesseraError } from '@tessera-llm/tensor'
import { createDecoder } from './decoder.ts'
import type { ModelFamily } from './model.ts'
import { type TensorNames, withPrefix, withTransformedDown } from './names/index.ts'
import type { Layer } from './part/layer.ts'
import {
  createLayerLoader,
  type LayerLoader,
  loadInputScale,
  loadNorm,
  loadPositions,
  type NormStyle,
  type PartSource,
} from './part/loader.ts'
import { createRotations, storedRopeFactors } from './part/rotation.ts'

/** Storage of an architecture in one kind of file. */
export interface Layout {
  readonly names: TensorNames
  readonly norm: NormStyle
}

/** Structure of a decoder. Its sizes and constants are in the configuration. */
export interface DecoderDesign {
  /** Layouts by the kinds of file that are supported. */
  readonly layouts: Readonly<Partial<Record<'gguf' | 'hugging-face', Layout>>>
  /** Composes a layer from its parts. */
  readonly layer: (load: LayerLoader) => Promise<Layer>
}

/** A family of decoders, by architecture. */
export function decoderFamily(designs: Readonly<Record<string, DecoderDesign>>): ModelFamily {
  return {
    architectures: Object.keys(designs),

    async build(config, container, weights, device) {
      const { architecture, hiddenSize, vocabSize, ropes, contextLength } = config
      const design = designs[architecture]
      const layout = design?.layouts[container]
      if (!design || !layout) {
        throw new TesseraError(
          'unsupported',
          `load: ${architecture} is not read from ${container === 'gguf' ? 'GGUF files' : 'safetensors'}; use the model's ${container === 'gguf' ? 'folder with config.json and safetensors' : 'GGUF file'}`,
        )
      }
      const isTransformed = container === 'gguf' && config.downHadamard !== undefined
      const names = withPrefix(isTransformed ? withTransformedDown(layout.names) : layout.names, weights.has)
      const source: PartSource = { config, weights, names, norm: layout.norm }
      const rotationOf = createRotations(
        weights,
        contextLength,
        await storedRopeFactors(device, weights, names, (ropes[0]?.rotaryDim ?? 0) / 2),
      )
      const loadLayers = async (): Promise<Layer[]> => {
        const rotations = ropes.map(rotationOf)
        return Promise.all(rotations.map((rotation, index) => design.layer(createLayerLoader(source, index, rotation))))
      }
      // All loads run at once: while one weight is packed, others are read. A loader must reject, never throw: an
      // exception here would leave the earlier promises without a handler.
      const [embedding, positions, embeddingNorm, layers, finalNorm, head, headInputScale] = await Promise.all([
        weights.matrix(`${names.embedding}.weight`, [vocabSize, hiddenSize]),
        loadPositions(source),
        names.embeddingNorm === undefined ? undefined : loadNorm(source, names.embeddingNorm, hiddenSize),
        loadLayers(),
        loadNorm(source, names.finalNorm ?? '', hiddenSize),
        config.tiedHead ? undefined : weights.matrix(`${names.head}.weight`, [vocabSize, hiddenSize]),
        names.head === undefined ? undefined : loadInputScale(weights, names.head),
      ])
      return createDecoder(device, config, weights, {
        embedding,
        positions,
        embeddingNorm,
        layers,
        finalNorm,
        head: head ?? embedding,
        headInputScale,
      })
    },
  }
}
