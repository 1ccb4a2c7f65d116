import { createReferenceDevice } from '@tessera-llm/tensor'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { goldenJson, goldenSafetensors } from '../../test/support/golden.ts'
import type { Fields } from '../config/index.ts'
import { decoderFamilies, encoderFamilies } from '../family/index.ts'
import { loadEncoder, loadModel } from './index.ts'

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => process.on('unhandledRejection', note))
afterEach(() => process.off('unhandledRejection', note))

// These errors occur while other weights are being loaded, whose errors must not become unhandled rejections, which end
// the process.
test.each<[string, Fields, string]>([
  ['llama', { head_dim: 2 ** 27 }, 'out-of-memory'],
  ['llama', { intermediate_size: 64 }, 'invalid-file'],
  ['falcon', { vocab_size: 100 }, 'invalid-file'],
  ['modernbert', { num_hidden_layers: 9 }, 'invalid-file'],
])('%s with %o: loading fails once, and leaves nothing on a device that stays', async (name, change, code) => {
  const checkpoint = await goldenSafetensors(`architectures/${name}/model.safetensors`)
  const config = { ...goldenJson<Fields>(`architectures/${name}/config.json`), ...change }
  for (const stays of [true, false]) {
    const device = createReferenceDevice()
    const options = { device, packers: [], config, contextLength: 16 }
    const loading =
      name === 'modernbert'
        ? loadEncoder(checkpoint, { ...options, families: encoderFamilies })
        : loadModel(checkpoint, { ...options, families: decoderFamilies })
    await expect(loading).rejects.toMatchObject({ code })
    if (!stays) await device.dispose()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(unhandled).toEqual([])
    expect(device.memory().liveTensors, `stays: ${stays}`).toBe(0)
  }
})
