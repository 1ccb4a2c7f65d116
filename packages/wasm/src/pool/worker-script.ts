/**
 * Source text of a worker. It must not import anything, so that it works from a blob, from `workerUrl` and in Node.js.
 * It instantiates the modules it receives and enters the dispatcher's loop, which ends when the device is disposed. A
 * trap marks the device as failed and wakes waiting threads, so that none waits for this one.
 */
export const workerScript = `(() => {
  const threads = globalThis.process?.versions?.node ? process.getBuiltinModule('node:worker_threads') : undefined
  const port = threads?.parentPort ?? globalThis
  const start = ({ memory, dispatcher, modules, tableSize, thread, count, failed, generation }) => {
    try {
      const table = new WebAssembly.Table({ element: 'anyfunc', initial: tableSize })
      const env = { memory, table }
      let index = 0
      for (const { module, entries } of modules) {
        const { exports } = new WebAssembly.Instance(module, { env })
        for (const entry of entries) table.set(index++, exports[entry])
      }
      const { work, pause, wake } = new WebAssembly.Instance(dispatcher, { env }).exports
      table.set(index, pause)
      table.set(index + 1, wake)
      port.postMessage({ ready: thread })
      work(thread, count)
    } catch (error) {
      const state = new Int32Array(memory.buffer)
      Atomics.store(state, failed / 4, 1)
      Atomics.add(state, generation / 4, 1)
      Atomics.notify(state, generation / 4)
      port.postMessage({ failed: String(error?.message ?? error) })
    }
  }
  if (threads) port.once('message', start)
  else globalThis.onmessage = ({ data }) => start(data)
})()
`
