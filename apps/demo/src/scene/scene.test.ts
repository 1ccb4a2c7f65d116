import { createReferenceDevice } from '@tessera-llm/tensor'
import { createDefaultDevice } from '@tessera-llm/tessera'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keptScreen } from '../../test/capture.ts'
import { type ModelFiles, openModel } from '../model/index.ts'
import { compareDevices, largestDifference, logitBound } from './agreement.ts'
import { compareAttention, showAttention } from './attention.ts'
import { type DeviceFigures, showDevice } from './device.ts'
import { stream } from './generation.ts'
import { introduce } from './introduction.ts'
import { measureSpeed } from './speed.ts'
import { summarize } from './summary.ts'
import { showSwap } from './swap.ts'

const { signal } = new AbortController()
let files: ModelFiles
beforeAll(async () => {
  files = await openModel(undefined, { signal, onProgress: () => {}, onNote: () => {} })
})
afterAll(() => files.checkpoint.close())

const figures = (changes: Partial<DeviceFigures>): DeviceFigures => ({
  device: 'a',
  promptTokens: 8,
  decodeTokens: 4,
  promptTokensPerSecond: 1234.5,
  decodeTokensPerSecond: 67.89,
  rounds: 1,
  peakBytes: 3 << 20,
  loadMs: 12.34,
  ids: [1, 2, 3],
  logits: Float32Array.of(1, 2),
  ...changes,
})

test('the introduction says what will be loaded', () => {
  const { screen, text } = keptScreen()
  introduce(files, screen)
  expect(text()).toContain('tessera-tiny (trained for this repository): 2.76 M parameters')
  expect(text()).toContain('GGUF, 5.3 MiB: f16 5.3 MiB, f32 9.8 KiB')
  expect(text()).toContain('llama, 6 layers of width 192, 6 query heads on 2 KV heads of 32')
  expect(text()).toContain(`Node.js ${process.versions.node}`)
})

describe('a device', () => {
  test('is loaded, writes, is measured, and is left empty', async () => {
    const device = createReferenceDevice()
    const { screen, text } = keptScreen()
    const shown = await showDevice(
      device,
      {
        files,
        story: { prompt: 'Our country has', maxTokens: 2, signal },
        ids: [0, 5],
        signal,
        speed: { promptTokens: 3, decodeTokens: 2, budgetMs: 0 },
        contextLength: 32,
        chunkTokens: 8,
      },
      screen,
    )
    expect(text()).toMatch(
      /^Our country has been a\nprompt [\d.]+ tok\/s, decode [\d.]+ tok\/s, \d\.\d MiB of tensors, loaded in /,
    )
    expect(shown).toMatchObject({ device: 'reference (float64)', promptTokens: 3, decodeTokens: 2, rounds: 1 })
    expect(shown.ids).toHaveLength(2)
    expect(shown.logits).toHaveLength(2048)
    expect(shown.peakBytes).toBeGreaterThan(5e6)
    expect(device.memory().liveTensors).toBe(0)
  })

  test('writes nothing without a story', async () => {
    const { screen, text } = keptScreen()
    const shown = await showDevice(
      createReferenceDevice(),
      {
        files,
        story: undefined,
        ids: [0],
        signal,
        speed: { promptTokens: 1, decodeTokens: 1, budgetMs: 0 },
        contextLength: 32,
        chunkTokens: 8,
      },
      screen,
    )
    expect(shown.ids).toEqual([])
    expect(text()).toMatch(/^prompt /)
  })

  test('is left empty when the story is interrupted', async () => {
    const device = createReferenceDevice()
    const abort = new AbortController()
    const { screen } = keptScreen()
    const written = { ...screen, write: () => abort.abort() }
    await expect(
      showDevice(
        device,
        {
          files,
          story: { prompt: 'Our', maxTokens: 9, signal: abort.signal },
          ids: [0],
          signal: abort.signal,
          speed: { promptTokens: 1, decodeTokens: 1, budgetMs: 0 },
          contextLength: 32,
          chunkTokens: 8,
        },
        written,
      ),
    ).rejects.toThrow()
    expect(device.memory().liveTensors).toBe(0)
  })

  test('times no more tokens than its context holds', async () => {
    const model = await files.load({ device: createReferenceDevice(), contextLength: 6 })
    expect(await measureSpeed(model.session, { promptTokens: 128, decodeTokens: 32, budgetMs: 0 })).toMatchObject({
      promptTokens: 3,
      decodeTokens: 3,
      rounds: 1,
    })
    expect(model.session.tokens).toEqual([])
    await model.dispose()
  })
})

test('a model that chats is shown the message through its template', async () => {
  const model = await files.load({ device: createReferenceDevice(), contextLength: 64 })
  const seen: string[] = []
  const { screen, text } = keptScreen()
  const chatTemplate = {
    render: (messages: readonly { readonly content: string }[]) => {
      seen.push(...messages.map(({ content }) => content))
      return 'x'
    },
  } as unknown as NonNullable<typeof model.chatTemplate>
  const chats = {
    ...model,
    chatTemplate,
    chat: (messages: Parameters<typeof model.chat>[0], options: Parameters<typeof model.chat>[1]) =>
      model.generate(chatTemplate.render(messages, {}), options),
  }
  expect(await stream(chats, { prompt: 'Hello?', maxTokens: 1, signal }, screen)).toHaveLength(1)
  expect(seen).toEqual(['Hello?'])
  expect(text()).toMatch(/^you {4}Hello\?\nmodel {2}.*\n$/s)
  await model.dispose()
})

describe('agreement', () => {
  test('of all devices with the first', () => {
    const { screen, text } = keptScreen()
    expect(
      compareDevices([figures({}), figures({ device: 'b', ids: [1, 2], logits: Float32Array.of(1, 2.001) })], screen),
    ).toBe(true)
    expect(text()).toContain('b: yes, logits differ by at most 1.0e-3; it wrote the same 2 tokens')
  })
  test('is denied beyond the bound, at NaN and at other lengths', () => {
    for (const logits of [Float32Array.of(1, 2 + 2 * logitBound), Float32Array.of(1, Number.NaN), Float32Array.of(1)]) {
      const { screen, text } = keptScreen()
      expect(compareDevices([figures({}), figures({ device: 'b', logits })], screen)).toBe(false)
      expect(text()).toContain('b: NO, ')
    }
    expect(largestDifference(Float32Array.of(Number.NaN), Float32Array.of(Number.NaN))).toBe(Number.POSITIVE_INFINITY)
  })
  test('says from where on tokens differ', () => {
    const { screen, text } = keptScreen()
    compareDevices([figures({}), figures({ ids: [1, 9] })], screen)
    expect(text()).toContain('it wrote the same 1 tokens, then others')
  })
  test('of tokens is not claimed where none were written', () => {
    const { screen, text } = keptScreen()
    compareDevices([figures({}), figures({ ids: [] })], screen)
    expect(text()).not.toContain('it wrote')
  })
})

describe('attention', () => {
  test('by both kernels gives the same', async () => {
    const device = await createDefaultDevice({ device: 'wasm', threads: 1 })
    try {
      const shape = { numHeads: 4, numKvHeads: 2, headDim: 16 }
      const { plainMs, flashMs, difference } = await compareAttention(device, shape, 70)
      expect(Math.min(plainMs, flashMs)).toBeGreaterThan(0)
      expect(difference).toBeGreaterThan(0)
      expect(difference).toBeLessThan(1e-5)
      expect(device.memory().liveTensors).toBe(0)
      const { screen, text } = keptScreen()
      await showAttention(device, { shape, lengths: [8, 40], signal }, screen)
      expect(text()).toMatch(/\n8 {2,}.* ×.*\n40 {2,}.* ×.*\n$/)
    } finally {
      await device.dispose()
    }
  })
  test('of a whole model is compared by its tokens', async () => {
    const [flash, plain] = [createReferenceDevice(), createReferenceDevice()]
    const scene = { files, prompt: 'Our country has', maxTokens: 2, contextLength: 32, signal }
    const { screen, text } = keptScreen()
    expect(await showSwap({ flash, plain }, scene, screen)).toBe(true)
    expect(text()).toBe('The model writes the same 2 tokens with either.\n')
    expect([flash, plain].map((device) => device.memory().liveTensors)).toEqual([0, 0])

    // A model that writes something else on one of them.
    const lying: ModelFiles = {
      ...files,
      load: async (options) => {
        const model = await files.load(options)
        return options.device === flash
          ? model
          : { ...model, generate: (_prompt, more) => model.generate('Call me', more) }
      },
    }
    const other = keptScreen()
    expect(await showSwap({ flash, plain }, { ...scene, files: lying }, other.screen)).toBe(false)
    expect(other.text()).toBe('The model writes OTHER tokens from token 1 on.\n')
  })
})

test('the closing table has a row for each device, and names the next step', () => {
  const { screen, text } = keptScreen()
  summarize([figures({}), figures({ device: 'a longer one' })], { isOwn: true, model: undefined }, screen)
  expect(text()).toContain('a                 1235 (8)      67.9 (4)  3.0 MiB  12.3 ms\na longer one')
  expect(text()).toContain('npm run demo -- --model MODEL.gguf')
  summarize([figures({})], { isOwn: false, model: 'hf:a/b' }, screen)
  expect(text()).toContain('npm run tessera -- chat hf:a/b')
})
