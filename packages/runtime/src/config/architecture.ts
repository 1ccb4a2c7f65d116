/** Names that other programs give to an architecture, beside the one that GGUF files and this runtime use. */
const aliases: Readonly<Record<string, string>> = { gemma3_text: 'gemma3' }

/** One name for one architecture: `gemma3` for `model_type: gemma3_text`. */
export function canonicalArchitecture(name: string): string {
  return aliases[name] ?? name
}
