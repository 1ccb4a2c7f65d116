import type { Capabilities } from '@tessera-llm/tensor'
import type { ArgumentWriter, Bindings } from '@tessera-llm/wasm'
import { expect, it } from 'vitest'
import { decodeWasm } from './decode.ts'

/** The last argument word, which says whether bytes are multiplied, for so many heads over one KV head. */
function lastWord(heads: number, capabilities: Capabilities): number {
  const words: number[] = []
  const push = (value: number): ArgumentWriter => {
    words.push(value)
    return writer
  }
  const writer: ArgumentWriter = { u32: push, i32: push, f32: push }
  const at: Bindings = { address: () => 0, scratch: 0, threads: 1 }
  const dense = (shape: readonly number[]) => ({ kind: 'dense', dtype: 'f32', shape }) as const
  const inputs = { q: dense([1, heads, 1, 64]), k: dense([1, 1, 200, 64]), v: dense([1, 1, 200, 64]) }
  const [stage] = decodeWasm.stages({ op: 'attention', inputs, outputs: {}, options: {} } as never, capabilities)
  stage?.args(writer, at)
  return words.at(-1) as number
}

it('multiplies bytes where the platform adds their products to 32 bits and two rows share a KV head', () => {
  expect([1, 2, 3].map((heads) => lastWord(heads, { dotAdd: 'unsigned' }))).toEqual([0, 1, 1])
  expect([1, 2, 3].map((heads) => lastWord(heads, { dotAdd: 'signed' }))).toEqual([0, 2, 2])
  expect([1, 2, 3].map((heads) => lastWord(heads, {}))).toEqual([0, 0, 0])
})
