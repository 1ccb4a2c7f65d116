import { TesseraError } from '@tessera-llm/tensor'
import { type ChromiumPage, openPage } from '../chromium/index.ts'
import { type Sample, serve } from '../participant/index.ts'
import { peerPath, peerVersion } from './peer.ts'

let page: ChromiumPage | undefined

await serve({
  async prepare(workload) {
    const version = peerVersion('onnxruntime-web')
    page = await openPage({ script: new URL('../pages/onnxruntime-web.js', import.meta.url).pathname, folders: { peer: peerPath('onnxruntime-web', '') } })
    await page.call('open', workload)
    return { version: `${version}, ${page.version}`, settings: { threads: workload.threads, ...(workload.kind === 'gemv-4bit' ? { accuracyLevel: 4 } : workload.kind === 'attention' ? { operator: 'GroupQueryAttention' } : {}) } }
  },
  async measure() {
    if (!page) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
    return page.call<Sample>('measure')
  },
  async close() {
    await page?.close()
  },
})
