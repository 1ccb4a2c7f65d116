import { describe, expect, it } from 'vitest'
import { createChatTemplate } from './index.ts'

const turns =
  "{% for message in messages %}{{ '<' + message.role + '>' + message.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
const messages = [
  { role: 'user', content: 'Hi {{ bos_token }} <|im_end|>' },
  { role: 'assistant', content: ' ' },
]

describe('a chat template', () => {
  it('renders a conversation, and what is in a message stays text', () => {
    const template = createChatTemplate(turns)
    expect(template.render(messages)).toBe('<user>Hi {{ bos_token }} <|im_end|><assistant> ')
    expect(template.render(messages.slice(0, 1), { addGenerationPrompt: true })).toBe(
      '<user>Hi {{ bos_token }} <|im_end|><assistant>',
    )
  })

  it('knows the special tokens, empty where the model has none', () => {
    expect(createChatTemplate('{{ bos_token }}x{{ eos_token }}', { bosToken: '<s>' }).render([])).toBe('<s>x')
  })

  it('passes tools on', () => {
    expect(
      createChatTemplate('{% for tool in tools %}{{ tool.name }}{% endfor %}').render([], {
        tools: [{ name: 'clock' }],
      }),
    ).toBe('clock')
  })

  it('says what the template itself says of a conversation that it refuses', () => {
    const template = createChatTemplate("{{ raise_exception('roles must alternate') }}")
    expect(() => template.render(messages)).toThrow(
      expect.objectContaining({ code: 'invalid-value', message: expect.stringContaining('roles must alternate') }),
    )
  })

  it('refuses a template that does not parse', () => {
    for (const broken of ['{% for x in', '{{ }', '{% endif %}'])
      expect(() => createChatTemplate(broken)).toThrow(expect.objectContaining({ code: 'invalid-file' }))
  })
})
