import type { StoredTensor } from '@tessera-llm/formats'
import { type Device, type Tensor, TesseraError } from '@tessera-llm/tensor'

/** Bytes that may be on their way at a time, so that reading goes on while others are packed; one tensor may be larger. */
const windowBytes = 8 * 2 ** 20
/** Reads at a time. */
const mostReads = 8
/** Memory of the device into which rows are read before they are packed: small enough that they are still in a cache then. */
export const stagingBytes: number = 2 ** 20

/** Brings bytes of tensors in the order of the calls, some of them at a time. */
export interface Intake {
  /** Bytes `[offset, offset + length)` of a tensor, for `use`, which is called in the order in which they arrive. */
  read<T>(stored: StoredTensor, offset: number, length: number, use: (bytes: Uint8Array) => T): Promise<T>
  /** The same, read into memory of the device that `into` gives: a tensor to fill, or of the intake's own with at least `length` bytes, u8. */
  readOnDevice<T>(
    stored: StoredTensor,
    offset: number,
    length: number,
    into: (() => Tensor) | 'staging',
    use: (tensor: Tensor) => T,
  ): Promise<T>
  /** The same for what is not bytes of a tensor: `work` brings about so many bytes, and gives what is to be done with them. */
  reading<T>(bytes: number, work: () => Promise<() => T>): Promise<T>
  /** Nothing is read or used from now on, and memory of the device is freed as soon as no read fills it. */
  close(): void
}

/** What those are told who still wait for weights when another one has failed. */
export function loadingEnded(): TesseraError {
  return new TesseraError('aborted', 'load: loading has ended')
}

export function createIntake(device: Device, signal?: AbortSignal): Intake {
  const waiting: (() => void)[] = []
  const staging: Tensor[] = []
  let reads = 0
  let bytesInFlight = 0
  let closed = false

  const check = (): void => {
    signal?.throwIfAborted()
    if (closed) throw loadingEnded()
  }
  const hasRoom = (bytes: number): boolean => reads === 0 || (reads < mostReads && bytesInFlight + bytes <= windowBytes)
  const inTurn = async <T>(bytes: number, work: () => Promise<T>): Promise<T> => {
    // Who comes later waits behind those who wait already.
    for (let isNew = true; (isNew && waiting.length > 0) || !hasRoom(bytes); isNew = false)
      await new Promise<void>((resolve) => (isNew ? waiting.push(resolve) : waiting.unshift(resolve)))
    reads += 1
    bytesInFlight += bytes
    waiting.shift()?.()
    try {
      check()
      return await work()
    } finally {
      reads -= 1
      bytesInFlight -= bytes
      if (reads === 0 && waiting.length === 0) freeStaging()
      waiting.shift()?.()
    }
  }
  const freeStaging = (): void => {
    for (const tensor of staging.splice(0)) tensor.dispose()
  }
  const fill = async (stored: StoredTensor, tensor: Tensor, offset: number, length: number): Promise<void> => {
    const view = stored.readInto && device.hostView(tensor)?.subarray(0, length)
    if (view) await stored.readInto?.(view, offset, signal)
    else {
      const bytes = await stored.read(offset, length, signal)
      check()
      device.write(tensor, bytes)
    }
  }

  return {
    read: (stored, offset, length, use) =>
      inTurn(length, async () => {
        const bytes = await stored.read(offset, length, signal)
        check()
        return use(bytes)
      }),
    readOnDevice: (stored, offset, length, into, use) =>
      inTurn(length, async () => {
        if (into !== 'staging') {
          const tensor = into()
          try {
            await fill(stored, tensor, offset, length)
            check()
            return use(tensor)
          } catch (error) {
            tensor.dispose()
            throw error
          }
        }
        const index = staging.findIndex(({ byteLength }) => byteLength >= length)
        const [tensor] = index < 0 ? [device.empty([Math.max(stagingBytes, length)], 'u8')] : staging.splice(index, 1)
        try {
          await fill(stored, tensor as Tensor, offset, length)
          check()
          return use(tensor as Tensor)
        } finally {
          staging.push(tensor as Tensor)
          if (closed) freeStaging()
        }
      }),
    reading: (bytes, work) =>
      inTurn(bytes, async () => {
        const use = await work()
        check()
        return use()
      }),
    close() {
      closed = true
      freeStaging()
    },
  }
}
