import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChatTemplate } from '@tessera-llm/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ModelText } from '../model/text.ts'
import { calibrationIds } from './calibration-ids.ts'

/** One id a character; 1 begins an input. */
const tokenizer = {
  addBos: true,
  bosId: 1,
  encode: (text: string, { addSpecial = true } = {}) => [
    ...(addSpecial ? [1] : []),
    ...Array.from(text, (character) => character.codePointAt(0) as number),
  ],
} as unknown as ModelText['tokenizer']
const text: ModelText = {
  tokenizer,
  chatTemplate: createChatTemplate(
    '{% for message in messages %}{{ message.role[0] }}{{ message.content }}{% endfor %}{% if add_generation_prompt %}?{% endif %}',
  ),
}
const codes = (written: string): number[] => tokenizer.encode(written, { addSpecial: false })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-calibration-'))
})
afterEach(() => rm(folder, { recursive: true }))
const written = async (name: string, content: string): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

test('a plain text is tokens as they stand', async () => {
  const path = await written('a.txt', '"ab"\n')
  expect(await calibrationIds(text, path)).toEqual(codes('"ab"\n'))
  expect(await calibrationIds(text, path, { addSpecial: true })).toEqual([1, ...codes('"ab"\n')])
})

test('samples of a .jsonl file follow one another, conversations by the chat template without a prompt for more', async () => {
  const lines = [
    JSON.stringify('ab\u2028c'),
    '',
    JSON.stringify({ text: 'de', source: 'x' }),
    JSON.stringify({
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'yo' },
      ],
    }),
  ]
  const path = await written('a.jsonl', lines.join('\n'))
  expect(await calibrationIds(text, path)).toEqual([1, ...codes('ab\u2028c'), 1, ...codes('de'), 1, ...codes('uhiayo')])
  const strings = await written('b.jsonl', '"ab"\n"c"\n')
  expect(await calibrationIds(text, strings, { separate: false })).toEqual(codes('abc'))
})

test('a line that is no sample is named, and so is a model without a chat template', async () => {
  for (const [line, message] of [
    ['{"messages":[]}', 'a.jsonl:2 must be a JSON string'],
    ['{"messages":[{"role":"user"}]}', 'but is {"messages":[{"role":"user"}]}'],
    ['null', 'a.jsonl:2 must be'],
    ['{"text"', 'a.jsonl:2 is not JSON: {"text"'],
  ] as const)
    await expect(calibrationIds(text, await written('a.jsonl', `"a"\n${line}\n`))).rejects.toThrow(message)
  const chat = await written('c.jsonl', JSON.stringify({ messages: [{ role: 'user', content: 'a' }] }))
  await expect(calibrationIds({ ...text, chatTemplate: undefined }, chat)).rejects.toThrow('no chat template')
})
