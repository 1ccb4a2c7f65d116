import { homedir } from 'node:os'
import { join } from 'node:path'
import { TesseraError } from '@tessera-llm/tensor'

/** Origin and cache of models. */
export interface HubSettings {
  /** Base URL without a trailing slash. */
  readonly endpoint: string
  readonly cacheFolder: string
  readonly token: string | undefined
  /** Whether the network must not be used. */
  readonly offline: boolean
}

/**
 * Settings from the environment: `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` as other programs read them, and
 * `TESSERA_CACHE`, the folder for downloads.
 */
export function hubSettings(env: Readonly<Record<string, string | undefined>>): HubSettings {
  const endpoint = (env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '')
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new TesseraError('invalid-option', `hub: HF_ENDPOINT must be an http(s) URL, not "${endpoint}"`)
  }
  const token = env['HF_TOKEN'] || undefined
  if (token !== undefined && !token.startsWith('hf_')) {
    throw new TesseraError('invalid-option', 'hub: HF_TOKEN must begin with "hf_"; copy it anew from your account')
  }
  return {
    endpoint,
    cacheFolder: env['TESSERA_CACHE'] || join(homedir(), '.cache', 'tessera', 'hub'),
    token,
    offline: ['1', 'true', 'yes', 'on'].includes((env['HF_HUB_OFFLINE'] ?? '').toLowerCase()),
  }
}
