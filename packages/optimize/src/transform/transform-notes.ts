import type { Subject } from '../subject/index.ts'

/** Requirements of a rotated model on programs that run it, as sentences. */
export function transformNotes(
  { config: before }: Subject,
  { config: { downHadamard }, container }: Subject,
): readonly string[] {
  if (downHadamard === undefined || before.downHadamard !== undefined) return []
  const others =
    container === 'gguf'
      ? 'other programs do not know that, and refuse the file'
      : 'its config.json says so as compressed-tensors does (transform_config), and a program that does not read that gets nonsense'
  return [
    `the model multiplies the inputs of every mlp.down by Hadamard matrices of the order ${downHadamard} when it runs; ${others}`,
  ]
}
