import { canonicalArchitecture } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'

/** Identification and storage of an architecture in both kinds of model files. */
export interface Architecture {
  /** `general.architecture` of GGUF files. */
  readonly gguf: string
  /** `model_type` and class name of Hugging Face configs; conversion writes the first. */
  readonly modelTypes: readonly string[]
  readonly className: string
  readonly activation: 'silu' | 'gelu_pytorch_tanh'
  /** Whether GGUF files store the rows of query and key projections in the order of interleaved rotary pairs. */
  readonly interleavesHeads: boolean
  /** Whether norms multiply by 1 + w, of which GGUF files store the sum. */
  readonly addsOneToNorms: boolean
  /** Whether there are norms before and after each block. */
  readonly hasSandwichNorms: boolean
}

const llama: Architecture = {
  gguf: 'llama',
  modelTypes: ['llama', 'mistral'],
  className: 'LlamaForCausalLM',
  activation: 'silu',
  interleavesHeads: true,
  addsOneToNorms: false,
  hasSandwichNorms: false,
}

/** Architectures that `convert` supports in both kinds of files. */
export const architectures: readonly Architecture[] = [
  llama,
  { ...llama, gguf: 'qwen2', modelTypes: ['qwen2'], className: 'Qwen2ForCausalLM', interleavesHeads: false },
  { ...llama, gguf: 'qwen3', modelTypes: ['qwen3'], className: 'Qwen3ForCausalLM', interleavesHeads: false },
  {
    gguf: 'gemma3',
    modelTypes: ['gemma3_text'],
    className: 'Gemma3ForCausalLM',
    activation: 'gelu_pytorch_tanh',
    interleavesHeads: false,
    addsOneToNorms: true,
    hasSandwichNorms: true,
  },
]

/** The architecture with this name in either kind of file; throws `unsupported`. */
export function architectureNamed(name: string): Architecture {
  const found = architectures.find(
    ({ gguf, modelTypes }) => gguf === name || modelTypes.includes(name) || gguf === canonicalArchitecture(name),
  )
  if (found) return found
  throw new TesseraError(
    'unsupported',
    `convert: the architecture "${name}" is not known in both kinds of files; known are bert, ${architectures.flatMap(({ modelTypes }) => modelTypes).join(', ')}`,
  )
}
