/**
 * GPT-2's byte alphabet: printable bytes map to themselves, the others to code points from 256 on, so that every byte
 * string is a printable text (Radford et al. 2019).
 */
export const byteAlphabet: readonly string[] = makeAlphabet()
const byteOfChar: ReadonlyMap<string, number> = new Map(byteAlphabet.map((char, byte) => [char, byte]))
const encoder = new TextEncoder()

/** UTF-8 bytes of a text, spelled in the byte alphabet. */
export function toByteAlphabet(text: string): string {
  let out = ''
  for (const byte of encoder.encode(text)) out += byteAlphabet[byte]
  return out
}

/** Bytes of a token in the byte alphabet; characters outside it map to their own UTF-8 bytes. */
export function fromByteAlphabet(token: string): Uint8Array {
  const bytes: number[] = []
  for (const char of token) {
    const byte = byteOfChar.get(char)
    if (byte === undefined) bytes.push(...encoder.encode(char))
    else bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}

function makeAlphabet(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++))
}
