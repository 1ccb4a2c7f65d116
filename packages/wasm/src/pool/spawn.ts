/** The common part of Node's `Worker` and the web's that the pool uses. */
export interface WorkerHandle {
  post(message: unknown): void
  /** Listens for messages and for the worker's end: `onExit` is called once, with the known reason. */
  listen(onMessage: (message: unknown) => void, onExit: (reason: string) => void): void
  terminate(): Promise<void>
}

interface NodeWorker {
  postMessage(message: unknown): void
  on(event: string, listener: (value: unknown) => void): void
  unref(): void
  terminate(): Promise<number>
}

interface NodeBuiltins {
  getBuiltinModule?(name: string): unknown
  readonly versions?: { readonly node?: string }
}

/** Node.js (or a runtime with its API), found without an import, so that bundlers for browsers see none. */
const node = (globalThis as { readonly process?: NodeBuiltins }).process

/** Starts a worker that runs `script`, or the script at `url` where a content security policy forbids blobs. */
export function spawnWorker(script: string, url: string | undefined): WorkerHandle {
  const threads =
    node?.versions?.node === undefined
      ? undefined
      : (node.getBuiltinModule?.('node:worker_threads') as
          | { readonly Worker: new (code: string | URL, options: object) => NodeWorker }
          | undefined)
  return threads
    ? spawnNode(
        new threads.Worker(url === undefined ? script : new URL(url), {
          eval: url === undefined,
          name: 'tessera-wasm',
        }),
      )
    : spawnWeb(script, url)
}

function spawnNode(worker: NodeWorker): WorkerHandle {
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onExit) {
      worker.on('message', onMessage)
      // A program that ends without disposing its device must still exit; a message listener would keep it alive.
      worker.unref()
      worker.on('error', (error) => onExit(String(error)))
      worker.on('exit', (code) => onExit(`it ended with code ${String(code)}`))
    },
    async terminate() {
      await worker.terminate()
    },
  }
}

function spawnWeb(script: string, url: string | undefined): WorkerHandle {
  const blobUrl = url === undefined ? URL.createObjectURL(new Blob([script], { type: 'text/javascript' })) : undefined
  const worker = new Worker(url ?? (blobUrl as string), { name: 'tessera-wasm' })
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onExit) {
      worker.onmessage = ({ data }) => {
        if (blobUrl !== undefined) URL.revokeObjectURL(blobUrl)
        onMessage(data)
      }
      worker.onerror = (event) =>
        onExit(
          event.message ||
            'its script could not be started; a content security policy that forbids blob workers needs the option workerUrl',
        )
    },
    async terminate() {
      worker.terminate()
    },
  }
}

/** Cores available to this program, as far as the platform tells. */
export function availableCores(): number {
  const os =
    node?.versions?.node === undefined
      ? undefined
      : (node.getBuiltinModule?.('node:os') as { availableParallelism?(): number } | undefined)
  return os?.availableParallelism?.() ?? globalThis.navigator?.hardwareConcurrency ?? 1
}

/** Whether this thread may sleep in `Atomics.wait`: not the main thread of a page. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0)
    return true
  } catch {
    return false
  }
}
