import type { Engine, ModelFacts } from '../engine/protocol.ts'

export interface PageContext {
  readonly engine: Engine
  readonly facts: ModelFacts
}

/** A page in the document. */
export interface MountedPage {
  readonly element: HTMLElement
  /** Draws canvases again: the theme or the width has changed. */
  redraw(): void
  /** The page is left: timers stop, and answers that come later are not shown. */
  leave(): void
}

export interface Page {
  readonly path: string
  readonly title: string
  mount(context: PageContext): MountedPage
}
