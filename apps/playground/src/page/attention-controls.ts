import type { ModelFacts } from '../engine/protocol.ts'
import { choice, textBox, tick } from '../view/controls.ts'
import { h } from '../view/dom.ts'

/** Settings of the page, as its controls show them. */
export interface AttentionSettings {
  text: string
  layer: number
  head: number
  rowTile: number
  keyTile: number
  isCausal: boolean
  window: number
  isPacked: boolean
}

/** Initial settings. */
export function firstSettings(): AttentionSettings {
  return {
    text: 'The President of the United States is the head of the Government, and it is his duty to take care that the laws of the people be faithfully executed.',
    layer: 2,
    head: 0,
    rowTile: 8,
    keyTile: 8,
    isCausal: true,
    window: 0,
    isPacked: true,
  }
}

/** Results that a change invalidates: those of the text, the device's attention under this mask, or only the tiles. */
export type Stale = 'text' | 'mask' | 'tiles'

const tiles = [4, 8, 16, 32].map((size) => [size, `${size}`] as const)

/** Controls of the attention page. A change is written to `settings` before `changed` is called. */
export function attentionControls(
  settings: AttentionSettings,
  facts: ModelFacts,
  changed: (stale: Stale) => void,
): HTMLElement {
  const change = (some: Partial<AttentionSettings>, stale: Stale): void => {
    Object.assign(settings, some)
    changed(stale)
  }
  return h(
    'section',
    { class: 'controls', 'aria-label': 'What to compute' },
    textBox('Text', settings.text, (text) => change({ text }, 'text')),
    choice(
      'Layer',
      Array.from({ length: facts.numLayers }, (_, index) => [index, `${index + 1}`] as const),
      settings.layer,
      (layer) => change({ layer }, 'text'),
    ),
    choice(
      'Query head',
      Array.from(
        { length: facts.numHeads },
        (_, index) =>
          [index, `${index + 1}, of KV head ${Math.floor(index / (facts.numHeads / facts.numKvHeads)) + 1}`] as const,
      ),
      settings.head,
      (head) => change({ head }, 'tiles'),
    ),
    choice('Queries a tile', tiles, settings.rowTile, (rowTile) => change({ rowTile }, 'tiles')),
    choice('Keys a tile', tiles, settings.keyTile, (keyTile) => change({ keyTile }, 'tiles')),
    choice(
      'Window',
      [
        [0, 'none'],
        [4, '4 tokens'],
        [12, '12 tokens'],
        [24, '24 tokens'],
      ],
      settings.window,
      (window) => change({ window }, 'mask'),
    ),
    tick('Causal', settings.isCausal, (isCausal) => change({ isCausal }, 'mask')),
    tick(
      `One read of keys for the ${facts.numHeads / facts.numKvHeads} query heads that share them`,
      settings.isPacked,
      (isPacked) => change({ isPacked }, 'tiles'),
    ),
  )
}
