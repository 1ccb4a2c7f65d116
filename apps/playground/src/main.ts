import { createEngine } from './engine/client.ts'
import type { ModelFacts } from './engine/protocol.ts'
import { attentionPage } from './page/attention.ts'
import { headsPage } from './page/heads.ts'
import type { MountedPage, Page } from './page/page.ts'
import { quantizationPage } from './page/quantization.ts'
import { choice } from './view/controls.ts'
import { h } from './view/dom.ts'

const pages: readonly Page[] = [attentionPage, quantizationPage, headsPage]

start()

function start(): void {
  const engine = createEngine()
  const main = document.getElementById('main') as HTMLElement
  const nav = document.getElementById('pages') as HTMLElement
  const place = document.getElementById('device') as HTMLElement
  let facts: ModelFacts | undefined
  let mounted: MountedPage | undefined

  const show = (isNavigation: boolean): void => {
    const page = pages.find(({ path }) => location.hash === `#${path}`) ?? (pages[0] as Page)
    document.title = `${page.title} · Tessera playground`
    nav.replaceChildren(
      ...pages.map(({ path, title }) =>
        h('a', { href: `#${path}`, 'aria-current': path === page.path ? 'page' : undefined }, title),
      ),
    )
    if (!facts) return
    mounted?.leave()
    mounted = page.mount({ engine, facts })
    main.replaceChildren(mounted.element)
    mounted.redraw()
    // Tells screen readers the current page.
    if (isNavigation) main.focus({ preventScroll: true })
  }
  const load = async (device: 'wasm' | 'webgpu'): Promise<void> => {
    main.replaceChildren(h('p', { class: 'said', role: 'status' }, 'The model is loading …'))
    facts = await engine.start(device)
    show(false)
  }
  const failed = (error: Error): void =>
    main.replaceChildren(h('p', { class: 'said', role: 'alert' }, `This page cannot run here: ${error.message}`))

  const devices: readonly (readonly ['wasm' | 'webgpu', string])[] = [
    ['wasm', 'WebAssembly'],
    ...('gpu' in navigator ? [['webgpu', 'WebGPU'] as const] : []),
  ]
  place.replaceChildren(choice('Runs on', devices, 'wasm', (device) => void load(device).catch(failed)))
  addEventListener('hashchange', () => show(true))
  addEventListener('resize', () => mounted?.redraw())
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => mounted?.redraw())
  show(false)
  load('wasm').catch(failed)
}
