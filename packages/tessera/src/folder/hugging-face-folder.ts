import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openCheckpoint } from '@tessera-llm/formats/node'
import { type Fields, poolingFolder, type SentenceFiles } from '@tessera-llm/runtime'
import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import type { HuggingFaceFiles } from '../model/load.ts'
import { wholeWeights } from '../model/whole-weights.ts'

/**
 * Opens a folder with `config.json`, safetensors and, if the model is to read text, `tokenizer.json`. Weights in the
 * layouts of GPTQ, AWQ and compressed-tensors appear as whole tensors. The caller closes the checkpoint.
 */
export async function openHuggingFaceFolder(path: string): Promise<HuggingFaceFiles> {
  const config = await readObject(join(path, 'config.json'))
  const tokenizer = await unlessAbsent(readObject(join(path, 'tokenizer.json')))
  const tokenizerConfig = await readTokenizerConfig(path)
  const sentence = await readSentenceFiles(path)
  const checkpoint = await openCheckpoint(path)
  try {
    return { checkpoint: await wholeWeights(checkpoint, config), config, tokenizer, tokenizerConfig, sentence }
  } catch (error) {
    await checkpoint.close()
    throw error
  }
}

/**
 * Reads `tokenizer_config.json` with one chat template: newer folders store the template in a file of its own, and some
 * list several by name.
 */
async function readTokenizerConfig(path: string): Promise<Fields | undefined> {
  const config = await unlessAbsent(readObject(join(path, 'tokenizer_config.json')))
  const stored = (await unlessAbsent(readText(join(path, 'chat_template.jinja')))) ?? config?.['chat_template']
  const template = Array.isArray(stored)
    ? (stored as readonly (Fields | null)[]).find((one) => one?.['name'] === 'default')?.['template']
    : stored
  return typeof template === 'string' ? { ...config, chat_template: template } : config
}

/** Reads the files of sentence-transformers, if the folder has them. */
async function readSentenceFiles(path: string): Promise<SentenceFiles | undefined> {
  const place = join(path, 'modules.json')
  const modules = await unlessAbsent(readJson(place))
  if (modules === undefined) return undefined
  if (!Array.isArray(modules)) throw new TesseraError('invalid-file', `load: ${place} must hold a JSON list`)
  const folder = poolingFolder(modules)
  // A file of the folder supplies this path; only a direct subfolder is opened.
  if (folder !== undefined && !/^[\w-]+$/.test(folder))
    throw new TesseraError(
      'invalid-file',
      `load: ${place} names the folder ${JSON.stringify(folder)}, which must be a plain name`,
    )
  return {
    modules,
    pooling: folder === undefined ? undefined : await readObject(join(path, folder, 'config.json')),
    transformer: await unlessAbsent(readObject(join(path, 'sentence_bert_config.json'))),
  }
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (isTesseraError(error, 'not-found')) return undefined
    throw error
  })
}

async function readObject(path: string): Promise<Fields> {
  const value = await readJson(path)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new TesseraError('invalid-file', `load: ${path} must hold a JSON object`)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = (cause as { code?: unknown }).code === 'ENOENT' ? 'not-found' : 'io'
    throw new TesseraError(
      code,
      `load: ${path} cannot be read; a model folder holds config.json, tokenizer.json and safetensors`,
      { cause },
    )
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TesseraError('invalid-file', `load: ${path} is not valid JSON`, { cause })
  }
}
