import { TesseraError } from '@tessera-llm/tensor'

/**
 * Connects the GPU's asynchronous errors to synchronous calls: an error that WebGPU reports later is kept, and thrown
 * as a typed error by the next call and by every read. A lost device stays lost.
 */
export interface FailureState {
  /** Throws the known failure, if any. */
  check(): void
  /** Runs `create` inside an error scope; `explain` converts what WebGPU reports later into the error to throw. */
  guard<T>(
    filter: GPUErrorFilter,
    create: () => T,
    explain: (message: string) => TesseraError | Promise<TesseraError>,
  ): T
  fail(error: TesseraError): void
  /** Waits for all open scopes, then checks. */
  settle(): Promise<void>
  /** Typed error for a rejection (such as of `mapAsync`): `device-lost` if the device is gone. */
  translate(cause: unknown, what: string): TesseraError
  /** Call before destroying the device on purpose: its loss is then no failure. */
  close(): void
}

export function watchFailures(device: GPUDevice, name: string): FailureState {
  let failure: TesseraError | undefined
  // An uncaught error is mostly the consequence of one that a scope explains better, a little later.
  let uncaught: TesseraError | undefined
  let lost: TesseraError | undefined
  let closed = false
  const pending = new Set<Promise<void>>()

  const lostError = (reason: string): TesseraError =>
    new TesseraError(
      'device-lost',
      `${name}: the GPU device was lost (${reason}); everything on it is gone. Create a new device and load the model again`,
    )
  const fail = (error: TesseraError): void => {
    failure ??= error
  }

  void device.lost.then((info) => {
    if (!closed) lost = lostError(info.message || info.reason || 'no reason given')
  })
  device.addEventListener('uncapturederror', (event) => {
    // Chromium also logs the event to the console unless it is handled.
    event.preventDefault()
    uncaught ??= typedError(event.error, name)
  })

  return {
    check() {
      const known = lost ?? failure ?? (pending.size === 0 ? uncaught : undefined)
      if (known) throw known
    },
    guard(filter, create, explain) {
      device.pushErrorScope(filter)
      try {
        return create()
      } finally {
        const settled: Promise<void> = device
          .popErrorScope()
          .then(
            async (error) => {
              if (error) fail(await explain(error.message))
            },
            // A scope that cannot be popped means a lost device, which `device.lost` reports.
            () => {},
          )
          .finally(() => pending.delete(settled))
        pending.add(settled)
      }
    },
    fail,
    async settle() {
      while (pending.size > 0) await Promise.all(pending)
      const known = lost ?? failure ?? uncaught
      if (known) throw known
    },
    translate(cause, what) {
      const known = lost ?? failure ?? uncaught
      if (known) return known
      if (closed)
        return new TesseraError('disposed', `${name}: the device was disposed during ${what}; create a new one`, {
          cause,
        })
      return new TesseraError('device-lost', `${name}: ${what} failed (${String(cause)}); create a new device`, {
        cause,
      })
    },
    close() {
      closed = true
    },
  }
}

function typedError(error: GPUError, name: string): TesseraError {
  if (error.constructor.name === 'GPUOutOfMemoryError') {
    return new TesseraError(
      'out-of-memory',
      `${name}: the GPU is out of memory (${error.message}); use a smaller model, a shorter context or a more compact format`,
    )
  }
  return new TesseraError('invalid-kernel', `${name}: ${error.message}`)
}
