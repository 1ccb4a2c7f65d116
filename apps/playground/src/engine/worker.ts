import { createLocalEngine } from './local-engine.ts'
import type { Answer, Call, Engine } from './protocol.ts'

const engine = createLocalEngine()
// One at a time: the next call starts when the previous one is answered.
let last: Promise<unknown> = Promise.resolve()

globalThis.onmessage = ({ data: { id, method, args } }: MessageEvent<Call>) => {
  const run = engine[method] as (...given: readonly unknown[]) => Promise<unknown>
  last = last
    .then(() => run(...args))
    .then(
      (value): Answer => ({ id, value }),
      (error: unknown): Answer => ({ id, error: error instanceof Error ? error.message : String(error) }),
    )
    .then((answer) => globalThis.postMessage(answer))
}

/** For types only: the engine that answers. */
export type { Engine }
