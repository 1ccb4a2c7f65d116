/** Names of architectures in other programs, mapped to the names in GGUF files and this runtime. */
const aliases: Readonly<Record<string, string>> = { gemma3_text: 'gemma3' }

/** Canonical name of an architecture: `gemma3` for `model_type: gemma3_text`. */
export function canonicalArchitecture(name: string): string {
  return aliases[name] ?? name
}
