/** Tokens that end a generation in any model, as in llama.cpp; the models' own lists are often incomplete. */
export const endTokens: readonly string[] = [
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '<|EOT|>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<turn|>',
]

/** Ids of the end tokens of a vocabulary. */
export function endIdsOf(idOf: (token: string) => number | undefined): number[] {
  // If all three exist (gpt-oss), `<|end|>` only ends one of several messages.
  const isMessageEnd = ['<|end|>', '<|return|>', '<|call|>'].every((token) => idOf(token) !== undefined)
  return endTokens.flatMap((token) => (isMessageEnd && token === '<|end|>' ? [] : (idOf(token) ?? [])))
}
