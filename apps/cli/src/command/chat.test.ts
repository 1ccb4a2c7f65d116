import { expect, test } from 'vitest'
import { join } from 'node:path'
import { tessera } from '../../test/support/capture.ts'
import { inFolder, tiny, tinyWith } from '../../test/support/models.ts'

const template =
  '{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}'

async function withChatModel(use: (path: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const path = join(folder, 'chat.gguf')
    await tinyWith(path, [['tokenizer.chat_template', { type: 'string', value: template }]])
    await use(path)
  })
}
const options = ['--device', 'reference', '--max-tokens', '6', '--temperature', '0']

test('answers line by line, to the end of the input', () =>
  withChatModel(async (path) => {
    const argv = ['chat', path, ...options]
    const stdin = 'Good morrow\n\nWho art thou?\n'
    const { code, stdout, stderr } = await tessera(argv, { stdin })
    expect(code).toBe(0)
    expect(stderr).toContain('Ctrl-D ends it')
    const { messages } = JSON.parse((await tessera([...argv, '--json'], { stdin })).stdout) as {
      messages: { role: string; content: string }[]
    }
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
    // Each answer ends with a newline.
    expect(
      stdout
        .split('\n')
        .filter((line) => line.trim() !== '')
        .join(),
    ).toBe(
      messages
        .filter(({ role }) => role === 'assistant')
        .flatMap(({ content }) => content.split('\n'))
        .filter((line) => line.trim() !== '')
        .join(),
    )
  }))

test('--json gives the conversation, the system message first', () =>
  withChatModel(async (path) => {
    const { stdout } = await tessera(['chat', path, ...options, '--system', 'Speak in verse.', '--json'], {
      stdin: 'forget this\n/clear\nGood morrow\n',
    })
    expect(JSON.parse(stdout)).toEqual({
      messages: [
        { role: 'system', content: 'Speak in verse.' },
        { role: 'user', content: 'Good morrow' },
        { role: 'assistant', content: expect.stringMatching(/\S/) },
      ],
    })
  }))

test('a conversation that no longer fits is said, and /clear begins anew', () =>
  withChatModel(async (path) => {
    const { code, stdout, stderr } = await tessera(['chat', path, ...options, '--json'], {
      stdin: `${'whale '.repeat(300)}\nGood morrow\n`,
    })
    expect(code).toBe(0)
    expect(stderr).toContain('This conversation no longer fits the context; /clear forgets it.')
    expect((JSON.parse(stdout) as { messages: unknown[] }).messages).toHaveLength(2)
  }))

test('Ctrl-C at the prompt ends the chat with 130', () =>
  withChatModel(async (path) => {
    const { code, stderr } = await tessera(['chat', path, ...options], {
      onStderr: (piece, { interrupt }) => {
        if (piece.includes('> ')) setTimeout(interrupt, 5)
      },
    })
    expect(code).toBe(130)
    expect(stderr.endsWith('tessera: interrupted\n')).toBe(true)
  }))

test('Ctrl-C in an answer of a program that is not on a terminal ends it too', () =>
  withChatModel(async (path) => {
    let sent = false
    const { code, stdout } = await tessera(
      [
        'chat',
        path,
        '--device',
        'reference',
        '--temperature',
        '0',
        '--max-tokens',
        '100',
        '--system',
        'Speak in verse.',
      ],
      {
        onStderr: (piece, { stdin }) => {
          if (!piece.includes('> ') || sent) return
          sent = true
          setImmediate(() => stdin.write('Good morrow\n'))
        },
        onStdout: (_piece, { interrupt }) => interrupt(),
      },
    )
    expect(code).toBe(130)
    expect(stdout.endsWith('\n')).toBe(true)
  }))

test('a model without a chat template is refused with the remedy', async () => {
  const { code, stderr } = await tessera(['chat', tiny, ...options], { stdin: 'hello\n' })
  expect(code).toBe(1)
  expect(stderr).toContain('tiny.gguf has no chat template; tessera run continues a text without one')
  expect(stderr).not.toContain('of memory')
})
