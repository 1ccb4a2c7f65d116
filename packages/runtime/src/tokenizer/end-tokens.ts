/** Spellings of tokens that end a generation wherever they occur, as llama.cpp takes them; the models' own lists are often incomplete. */
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

/** The ids of end tokens that a vocabulary has. */
export function endIdsOf(idOf: (token: string) => number | undefined): number[] {
  // Where all three exist (gpt-oss), the first only ends a message of several.
  const isMessageEnd = ['<|end|>', '<|return|>', '<|call|>'].every((token) => idOf(token) !== undefined)
  return endTokens.flatMap((token) => (isMessageEnd && token === '<|end|>' ? [] : (idOf(token) ?? [])))
}
