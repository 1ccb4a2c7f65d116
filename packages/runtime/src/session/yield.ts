/**
 * Lets timers, input events and aborts run, by a macrotask: microtasks would keep a page frozen. Uses `setImmediate` if
 * it exists, else a message, because nested timers are clamped to 4 ms.
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

/**
 * Returns a function that yields to the event loop if `sliceMs` have passed since it last did, and returns undefined
 * otherwise. It rejects if `signal` is aborted.
 */
export function createPause(sliceMs: number, signal?: AbortSignal): () => Promise<void> | undefined {
  let since = performance.now()
  const yieldOnce = async (): Promise<void> => {
    await yieldToEventLoop()
    signal?.throwIfAborted()
    since = performance.now()
  }
  return () => (performance.now() - since < sliceMs ? undefined : yieldOnce())
}
