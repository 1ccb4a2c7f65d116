import type { Answer, Call, Engine } from './protocol.ts'

/** The engine of a worker, as an object. Calls are answered in order. */
export function createEngine(): Engine {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }
  >()
  let next = 0
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    const caller = waiting.get(data.id)
    waiting.delete(data.id)
    if ('error' in data) caller?.reject(new Error(data.error))
    else caller?.resolve(data.value)
  }
  worker.onerror = ({ message }) => {
    for (const { reject } of waiting.values()) reject(new Error(message || 'the worker could not be started'))
    waiting.clear()
  }
  const call = (method: keyof Engine, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      next += 1
      waiting.set(next, { resolve, reject })
      worker.postMessage({ id: next, method, args } satisfies Call)
    })
  return new Proxy({} as Engine, {
    get:
      (_, method: keyof Engine) =>
      (...args: readonly unknown[]) =>
        call(method, args),
  })
}
