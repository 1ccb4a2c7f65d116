import type { StoredTensor } from '@tessera-llm/formats'
import { type Device, type Tensor, TesseraError } from '@tessera-llm/tensor'

/**
 * Bytes that may be in flight at once, so that reading continues while others are packed. A single larger tensor is
 * allowed.
 */
const windowBytes = 8 * 2 ** 20
/** Reads that may be in flight at once. */
const mostReads = 8
/** Device memory into which rows are read before they are packed: small enough that they are still in a cache then. */
export const stagingBytes: number = 2 ** 20

/** Reads bytes of tensors, several ranges concurrently, and admits them in the order of the calls. */
export interface Intake {
  /**
   * Reads bytes `[offset, offset + length)` of a tensor and passes them to `use`. Calls of `use` come in the order in
   * which reads finish.
   */
  read<T>(stored: StoredTensor, offset: number, length: number, use: (bytes: Uint8Array) => T): Promise<T>
  /**
   * Like `read`, but into device memory: the tensor that `into` returns, or a u8 staging tensor of the intake with at
   * least `length` bytes.
   */
  readOnDevice<T>(
    stored: StoredTensor,
    offset: number,
    length: number,
    into: (() => Tensor) | 'staging',
    use: (tensor: Tensor) => T,
  ): Promise<T>
  /** Like `read` for other sources: `work` fetches about `bytes` bytes and returns a function that uses them. */
  reading<T>(bytes: number, work: () => Promise<() => T>): Promise<T>
  /** Stops all reads and uses; device memory is freed as soon as no read writes to it. */
  close(): void
}

/** Error for callers that still wait for weights after another one has failed. */
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
    // A new caller queues behind those that wait already.
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
