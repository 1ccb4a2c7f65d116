import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openCheckpoint } from '@tessera-llm/formats/node'
import type { Fields } from '@tessera-llm/runtime'
import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import type { HuggingFaceFiles } from '../model/load.ts'
import { wholeWeights } from '../model/whole-weights.ts'

/** Opens a folder with `config.json`, `tokenizer.json` and safetensors; the caller closes the checkpoint. Weights in the layouts of GPTQ, AWQ and compressed-tensors are shown as whole tensors. */
export async function openHuggingFaceFolder(path: string): Promise<HuggingFaceFiles> {
  const config = await readJson(join(path, 'config.json'))
  const tokenizer = await readJson(join(path, 'tokenizer.json'))
  const tokenizerConfig = await readJson(join(path, 'tokenizer_config.json')).catch((error: unknown) => {
    if (isTesseraError(error, 'not-found')) return undefined
    throw error
  })
  const checkpoint = await openCheckpoint(path)
  try {
    return { checkpoint: await wholeWeights(checkpoint, config), config, tokenizer, tokenizerConfig }
  } catch (error) {
    await checkpoint.close()
    throw error
  }
}

async function readJson(path: string): Promise<Fields> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new TesseraError('not-found', `load: ${path} cannot be read; a model folder holds config.json, tokenizer.json and safetensors`, { cause })
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  } catch (cause) {
    throw new TesseraError('invalid-file', `load: ${path} is not valid JSON`, { cause })
  }
  throw new TesseraError('invalid-file', `load: ${path} must hold a JSON object`)
}
