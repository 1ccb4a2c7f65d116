import { TesseraError } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import { watchFailures } from './failure.ts'

class GPUOutOfMemoryError {
  readonly message = 'allocation failed'
}

/** Error reporting of a GPUDevice, controlled by the test: real adapters here do not run out of memory on demand. */
function scriptedDevice(scope: () => Promise<{ message: string } | null>) {
  const listeners: ((event: { error: object; preventDefault(): void }) => void)[] = []
  let lose: (info: { reason: string; message: string }) => void = () => {}
  const device = {
    lost: new Promise<{ reason: string; message: string }>((resolve) => {
      lose = resolve
    }),
    addEventListener: (_: string, listener: (event: { error: object; preventDefault(): void }) => void) =>
      listeners.push(listener),
    pushErrorScope: () => {},
    popErrorScope: scope,
  }
  return {
    failures: watchFailures(device as unknown as GPUDevice, 'webgpu (scripted)'),
    lose: (message: string) => lose({ reason: 'unknown', message }),
    report: (error: object) => {
      for (const listener of listeners) listener({ error, preventDefault: () => {} })
    },
  }
}

describe('watchFailures', () => {
  it('throws what a scope reports later, in the words of whoever opened it', async () => {
    const { failures } = scriptedDevice(async () => ({ message: 'no room' }))
    expect(
      failures.guard(
        'out-of-memory',
        () => 5,
        (message) => new TesseraError('out-of-memory', `tensor: ${message}`),
      ),
    ).toBe(5)
    failures.check()
    await expect(failures.settle()).rejects.toMatchObject({ code: 'out-of-memory', message: 'tensor: no room' })
    expect(() => failures.check()).toThrow('tensor: no room')
  })

  it('types errors that no scope caught', () => {
    const { failures, report } = scriptedDevice(async () => null)
    report(new GPUOutOfMemoryError())
    expect(() => failures.check()).toThrow(
      expect.objectContaining({ code: 'out-of-memory', message: expect.stringContaining('more compact format') }),
    )
  })

  it('prefers the explained error to its uncaught consequences', async () => {
    const { failures, report } = scriptedDevice(async () => ({ message: 'cause' }))
    failures.guard(
      'validation',
      () => {},
      (message) => new TesseraError('invalid-kernel', `kernel: ${message}`),
    )
    report({ message: 'consequence' })
    failures.check()
    await expect(failures.settle()).rejects.toThrow('kernel: cause')
  })

  it('reports a lost device, and not one that is closed on purpose', async () => {
    const first = scriptedDevice(async () => null)
    first.lose('driver reset')
    await Promise.resolve()
    expect(() => first.failures.check()).toThrow(
      expect.objectContaining({ code: 'device-lost', message: expect.stringContaining('driver reset') }),
    )
    const second = scriptedDevice(async () => null)
    second.failures.close()
    second.lose('destroyed')
    await Promise.resolve()
    second.failures.check()
    expect(second.failures.translate(new Error('unmapped'), 'reading')).toMatchObject({ code: 'disposed' })
  })
})
