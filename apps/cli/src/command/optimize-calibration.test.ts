import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Receipt } from '@tessera-llm/optimize'
import { expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { inFolder, tiny, tinyWith } from '../../test/support/models.ts'

const sentence = 'The President of the United States is the head of the Government, and of the people. '
const fast = ['--device', 'wasm', '--threads', '1']

async function receiptOf(out: string): Promise<Receipt> {
  return JSON.parse(await readFile(`${out}.receipt.json`, 'utf8')) as Receipt
}

test('without sizes, windows of calibration and evaluation are no longer than the context', () =>
  inFolder(async (folder) => {
    const [out, text] = [join(folder, 'out.gguf'), join(folder, 'text.txt')]
    await writeFile(text, sentence.repeat(30))
    const recipe = ['--recipe', 'q4_0-importance', '--calibrate', text, '--calibrate-windows', '1']
    const { code, stderr } = await tessera(['optimize', tiny, out, ...recipe, '--evaluate', text, ...fast])
    expect(code, stderr).toBe(0)
    const { calibration, quality, recipe: used } = await receiptOf(out)
    expect(calibration).toMatchObject({ windows: 1, window: 256 })
    expect(quality).toMatchObject({ window: 256 })
    expect(used.calibration).toEqual({ windows: 1 })
    const measured = await tessera(['eval', tiny, '--text', text, '--windows', '1', ...fast])
    expect(measured.stdout).toContain('in 1 windows of 256,')
  }))

test('--calibrate takes conversations, one a line, and verify finds the same bytes', () =>
  inFolder(async (folder) => {
    const [model, out, chats] = [join(folder, 'chat.gguf'), join(folder, 'out.gguf'), join(folder, 'chats.jsonl')]
    const template = '{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}'
    await tinyWith(model, [['tokenizer.chat_template', { type: 'string', value: template }]])
    const messages = [
      { role: 'user', content: 'Who is the head of the Government?' },
      { role: 'assistant', content: sentence },
    ]
    await writeFile(chats, `${JSON.stringify({ messages })}\n`.repeat(8))
    const recipe = join(folder, 'recipe.json')
    const step = { kind: 'quantize', targets: 'layers.1.mlp.*', method: 'gptq', format: 'q4_0' }
    await writeFile(recipe, JSON.stringify({ steps: [step] }))
    const method = ['--recipe', recipe]
    const sizes = ['--calibrate-window', '32', '--calibrate-windows', '2']
    const argv = ['optimize', model, out, ...method, '--calibrate', chats, ...sizes, ...fast]
    const { code, stderr } = await tessera(argv)
    expect(code, stderr).toBe(0)
    expect(await receiptOf(out)).toMatchObject({
      calibration: { path: chats, windows: 2, window: 32 },
      recipe: { calibration: { windows: 2, window: 32 } },
    })
    expect((await tessera(['verify', `${out}.receipt.json`, ...fast])).stdout).toContain('verified: the same')
    // The texts of the lines give another model: the conversations did go through the template.
    const plain = join(folder, 'plain.jsonl')
    await writeFile(plain, `${JSON.stringify(messages.map(({ content }) => content).join('\n'))}\n`.repeat(8))
    const other = join(folder, 'other.gguf')
    const again = await tessera(['optimize', model, other, ...method, '--calibrate', plain, ...sizes, ...fast])
    expect(again.code, again.stderr).toBe(0)
    expect((await receiptOf(other)).output.sha256).not.toBe((await receiptOf(out)).output.sha256)
  }))

test('a line that is no sample, and conversations for a model without a template, are refused by name', () =>
  inFolder(async (folder) => {
    const [out, samples] = [join(folder, 'out.gguf'), join(folder, 'samples.jsonl')]
    const argv = ['optimize', tiny, out, '--recipe', 'gptq-q4_0', '--calibrate', samples, ...fast]
    await writeFile(samples, '"fine"\n{"prompt":"x"}\n')
    expect((await tessera(argv)).stderr).toContain('samples.jsonl:2 must be a JSON string, { "text": … } or')
    await writeFile(samples, '{"messages":[{"role":"user","content":"x"}]}\n')
    expect((await tessera(argv)).stderr).toContain('the model has no chat template')
  }))
