import type { Engine, ModelFacts } from '../engine/protocol.ts'

export interface PageContext {
  readonly engine: Engine
  readonly facts: ModelFacts
}

/** A page in the document. */
export interface MountedPage {
  readonly element: HTMLElement
  /** Redraws canvases after the theme or the width has changed. */
  redraw(): void
  /** Called when the page is left: stops timers, and ignores later answers. */
  leave(): void
}

export interface Page {
  readonly path: string
  readonly title: string
  mount(context: PageContext): MountedPage
}
