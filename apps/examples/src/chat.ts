// Streams answers of a model that chats, and stops one of them: node dist/chat.js MODEL.gguf "Your message"
import { createChatTemplate, type ChatMessage } from '@tessera-llm/runtime'
import { isTesseraError } from '@tessera-llm/tensor'
import { createModel, load } from '@tessera-llm/tessera/node'
import { tinyModel } from '@tessera-llm/tiny-model'

const loaded = await load(process.argv[2] ?? tinyModel.ggufUrl, { device: 'wasm', contextLength: 256 })
// The small model was never taught to chat, but it has read plays: a template is a value like any other.
const play = createChatTemplate(
  '{% for message in messages %}{{ message.role | upper }}:\n{{ message.content }}\n\n{% endfor %}KING:',
)
const model = loaded.chatTemplate
  ? loaded
  : createModel({ model: loaded.language, tokenizer: loaded.tokenizer, chatTemplate: play, ownedDevice: undefined })

const messages: ChatMessage[] = [{ role: 'user', content: process.argv[3] ?? 'My lord, what is the news?' }]

/** Streams an answer; an abort ends it, and what was written stays. */
async function answer(signal: AbortSignal, onText: (text: string) => void): Promise<string> {
  let written = ''
  try {
    for await (const { text } of model.chat(messages, {
      maxTokens: 60,
      temperature: 0.8,
      topP: 0.9,
      seed: 3,
      stop: ['\n\n'],
      signal,
    })) {
      written += text
      onText(text)
    }
  } catch (error) {
    if (!isTesseraError(error, 'aborted')) throw error
    onText(' … (stopped)')
  }
  return written
}

const impatient = new AbortController()
let length = 0
console.log(`> ${messages[0]?.content}`)
const first = await answer(impatient.signal, (text) => {
  process.stdout.write(text)
  if ((length += text.length) > 20) impatient.abort()
})

// The session goes on: what it has computed of the conversation is not computed again.
messages.push({ role: 'assistant', content: first }, { role: 'user', content: 'Go on.' })
console.log('\n\n> Go on.')
await answer(AbortSignal.timeout(60_000), (text) => process.stdout.write(text))
process.stdout.write('\n')
await model.dispose()
if (model !== loaded) await loaded.dispose()
