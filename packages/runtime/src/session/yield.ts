/**
 * Lets timers, input events and aborts run: a macrotask, because a page stays frozen through any number of microtasks.
 * `setImmediate` where there is one; a message otherwise, because nested timers are clamped to 4 ms.
 */
export function yieldToEventLoop(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown }
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve))
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

/** Gives a turn of the event loop whenever `sliceMs` have passed since the last one, and undefined in between. It rejects when `signal` is aborted. */
export function createPause(sliceMs: number, signal?: AbortSignal): () => Promise<void> | undefined {
  let since = performance.now()
  const turn = async (): Promise<void> => {
    await yieldToEventLoop()
    signal?.throwIfAborted()
    since = performance.now()
  }
  return () => (performance.now() - since < sliceMs ? undefined : turn())
}
