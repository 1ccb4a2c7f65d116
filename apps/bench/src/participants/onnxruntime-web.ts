import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TesseraError } from '@tessera-llm/tensor'
import { type ChromiumPage, openPage } from '../chromium/index.ts'
import { isEmbed, tokenized } from '../participant/embed/index.ts'
import { type Sample, serve } from '../participant/index.ts'
import { peerPath, peerVersion } from './peer.ts'

let page: ChromiumPage | undefined

await serve({
  async prepare(workload) {
    const version = peerVersion('onnxruntime-web')
    page = await openPage({
      script: new URL('../pages/onnxruntime-web.js', import.meta.url).pathname,
      folders: { peer: peerPath('onnxruntime-web', '') },
      ...(isEmbed(workload) ? { files: { '/model.safetensors': join(workload.folder, 'model.safetensors') } } : {}),
    })
    if (isEmbed(workload)) {
      const config: unknown = JSON.parse(readFileSync(join(workload.folder, 'config.json'), 'utf8'))
      const { batchSize } = await page.call<{ readonly batchSize: number }>('openEncoder', {
        workload,
        config,
        ids: tokenized(workload).ids,
      })
      return { version: `${version}, ${page.version}`, settings: { threads: workload.threads, batch: batchSize } }
    }
    await page.call('open', workload)
    return {
      version: `${version}, ${page.version}`,
      settings: {
        threads: workload.threads,
        ...(workload.kind === 'gemv-4bit'
          ? { accuracyLevel: 4 }
          : workload.kind === 'attention'
            ? { operator: 'GroupQueryAttention' }
            : {}),
      },
    }
  },
  async measure() {
    if (!page) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
    return page.call<Sample>('measure')
  },
  async close() {
    await page?.close()
  },
})
