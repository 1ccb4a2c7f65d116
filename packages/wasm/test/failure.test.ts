import { spawn } from 'node:child_process'
import type { Worker } from 'node:worker_threads'
import type { Tensor } from '@tessera-llm/tensor'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createWasmDevice, type WasmDevice, type WasmDeviceOptions } from '../src/index.ts'
import { testKernels } from './kernels.ts'
import { misbehaveOp, reverseOp, scaleOp } from './ops.ts'

const devices: WasmDevice[] = []
/** Opens a device and captures the workers that it starts. */
const open = async (
  options: Partial<WasmDeviceOptions> = {},
): Promise<{ readonly device: WasmDevice; readonly workers: readonly Worker[]; readonly x: Tensor }> => {
  const workers: Worker[] = []
  const listener = (worker: Worker): void => void workers.push(worker)
  process.on('worker', listener)
  try {
    const device = await createWasmDevice({ kernels: testKernels, threads: 3, joinTimeoutMs: 300, ...options })
    devices.push(device)
    return { device, workers, x: device.tensor(Float32Array.of(1, 2, 3), [3]) }
  } finally {
    process.off('worker', listener)
  }
}
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.dispose()))
})

const errorOf = (call: () => unknown): unknown => {
  try {
    return { returned: call() }
  } catch (error) {
    return error
  }
}

/** Every entry point of the device throws the same error; disposing works. */
async function isBroken(device: WasmDevice, x: Tensor, error: unknown): Promise<void> {
  expect(errorOf(() => device.run(scaleOp, { x }, { factor: 1 }))).toBe(error)
  expect(errorOf(() => device.tensor(Float32Array.of(1), [1]))).toBe(error)
  expect(errorOf(() => device.write(x, Float32Array.of(1)))).toBe(error)
  await expect(device.read(x)).rejects.toBe(error)
  await expect(device.synchronize()).rejects.toBe(error)
  await device.dispose()
  x.dispose()
  expect(() => device.run(scaleOp, { x }, { factor: 1 })).toThrow(expect.objectContaining({ code: 'disposed' }))
}

describe('a worker that is lost', () => {
  it('while it runs: a share that it took ends the call at the deadline; otherwise the others do its work, and the next call says so', async () => {
    const { device, workers, x } = await open()
    expect(workers).toHaveLength(2)
    const ended = workers[1]?.terminate()
    let error = errorOf(() => {
      for (let i = 0; i < 30_000; i++)
        device.run(misbehaveOp, { x }, { thread: 2, rounds: 1_000, together: false }).y.dispose()
    })
    await ended
    if (!(error instanceof Error)) error = errorOf(() => device.run(scaleOp, { x }, { factor: 1 }))
    expect(error).toMatchObject({
      code: 'worker-lost',
      message: expect.stringMatching(
        /a worker was lost \(it (did not finish within 300 ms in test\/misbehave\/plain\/misbehave|ended with code \d+)\).*create a new one/,
      ),
    })
    await isBroken(device, x, error)
  })

  it('between calls: the next one says so without waiting', async () => {
    const { device, workers, x } = await open({ joinTimeoutMs: 30_000 })
    const plan = device.capture(() => device.run(scaleOp, { x }, { factor: 2 }).y)
    await workers[0]?.terminate()
    const error = errorOf(() => plan.replay())
    expect(error).toMatchObject({
      code: 'worker-lost',
      details: { reason: expect.stringContaining('it ended with code') },
    })
    await isBroken(device, x, error)
    plan.dispose()
  })

  it('or hangs in a kernel: the deadline holds too, and disposing ends it', async () => {
    const { device, workers, x } = await open({ threads: 2 })
    const error = errorOf(() => device.run(misbehaveOp, { x }, { thread: 1, rounds: 0xffff_ffff }))
    expect(error).toMatchObject({ code: 'worker-lost', message: expect.stringContaining('within 300 ms') })
    const exited = new Promise((resolve) => workers[0]?.once('exit', resolve))
    await isBroken(device, x, error)
    await exited
  })

  it('ends the call also where the calling thread must not sleep, as the main thread of a page', async () => {
    const sleep = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      throw new TypeError('Atomics.wait cannot be called in this context')
    })
    const { device, x } = await open({ threads: 2, joinTimeoutMs: 1_500 })
    sleep.mockRestore()
    expect(await device.read(device.run(reverseOp, { x }, {}).y)).toEqual(Float32Array.of(3, 2, 1))
    const error = errorOf(() => device.run(misbehaveOp, { x }, { thread: 1, rounds: 0xffff_ffff }))
    expect(error).toMatchObject({ code: 'worker-lost' })
    await isBroken(device, x, error)
  })

  it('is one that does not start, but not for one late timer: the process was stopped, or computed meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      let lost: unknown
      const opening = open({ threads: 2, workerUrl: 'data:text/javascript,setInterval(()=>0,1e6)' }).catch(
        (error: unknown) => {
          lost = error
        },
      )
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
      for (let late = 0; late < 16; late++) {
        while (vi.getTimerCount() === 0) await turn()
        expect(lost).toBeUndefined()
        vi.runOnlyPendingTimers()
        await turn()
      }
      await opening
      expect(lost).toMatchObject({
        code: 'worker-lost',
        message: expect.stringContaining('it did not start within 20000 ms'),
      })
    } finally {
      vi.useRealTimers()
    }
  })

  it.skipIf(process.platform === 'win32')(
    'is not one that was stopped together with its process (skipped on Windows, which has no SIGSTOP)',
    async () => {
      const joinTimeoutMs = 2_000
      const { device, x } = await open({ threads: 2, joinTimeoutMs })
      let took = 0
      // The process may be stopped before a call or after it.
      for (let attempt = 0; attempt < 5 && took < joinTimeoutMs; attempt++) {
        spawn('sh', ['-c', `sleep 0.3; kill -STOP ${process.pid}; sleep 3; kill -CONT ${process.pid}`])
        const start = performance.now()
        while (took < joinTimeoutMs && performance.now() - start < 3 * joinTimeoutMs) {
          const before = performance.now()
          device.run(misbehaveOp, { x }, { thread: 1, rounds: 20_000_000 }).y.dispose()
          took = performance.now() - before
        }
      }
      expect(took).toBeGreaterThan(joinTimeoutMs)
      expect(await device.read(device.run(scaleOp, { x }, { factor: 2 }).y)).toEqual(Float32Array.of(2, 4, 6))
    },
  )

  it('before it started, where nobody waited for it: the device says so when asked, and in the next call', async () => {
    // Fails when it is told to start, after the device exists.
    const script =
      'process.getBuiltinModule("node:worker_threads").parentPort.once("message", () => { throw new Error("no luck") })'
    const { device, x } = await open({
      waitForWorkers: false,
      workerUrl: `data:text/javascript,${encodeURIComponent(script)}`,
    })
    await expect(device.wasm.started).rejects.toMatchObject({
      code: 'worker-lost',
      message: expect.stringContaining('no luck'),
    })
    await isBroken(
      device,
      x,
      errorOf(() => device.run(scaleOp, { x }, { factor: 1 })),
    )
  })

  it('is not missed while it starts: the others do its work', async () => {
    const { device, x } = await open({
      waitForWorkers: false,
      joinTimeoutMs: 30_000,
      workerUrl: `data:text/javascript,${encodeURIComponent('setInterval(() => {}, 1000)')}`,
    })
    const plan = device.capture(() => device.run(scaleOp, { x }, { factor: 2 }).y)
    plan.replay()
    expect(await device.read(plan.result)).toEqual(Float32Array.of(2, 4, 6))
    plan.dispose()
    await device.dispose()
  })

  it('before it started: creating the device fails, and no worker stays', async () => {
    const workers: Worker[] = []
    process.on('worker', (worker) => workers.push(worker))
    const script = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`
    await expect(open({ workerUrl: script('throw new Error("no luck")') })).rejects.toMatchObject({
      code: 'worker-lost',
      message: expect.stringContaining('no luck'),
    })
    await expect(open({ workerUrl: script('') })).rejects.toMatchObject({
      code: 'worker-lost',
      message: expect.stringContaining('it ended with code 0'),
    })
    process.removeAllListeners('worker')
    expect(workers.length).toBeGreaterThanOrEqual(4)
    expect(workers.every(({ threadId }) => threadId === -1)).toBe(true)
  })
})

describe('a kernel that traps', () => {
  it.each([1, 3])(
    'on the calling thread of %d: a typed error with the trap, and every later call says the same',
    async (threads) => {
      const { device, x } = await open({ threads })
      const error = errorOf(() => device.run(misbehaveOp, { x }, { thread: 0, rounds: 1, traps: true }))
      expect(error).toMatchObject({
        code: 'invalid-kernel',
        message: expect.stringMatching(
          /a kernel trapped \(unreachable\) in test\/misbehave\/plain\/misbehave; .*create a new one/,
        ),
        cause: expect.any(WebAssembly.RuntimeError),
      })
      await isBroken(device, x, error)
    },
  )

  it('on a worker: the call ends at once', async () => {
    const { device, x } = await open({ joinTimeoutMs: 30_000 })
    const error = errorOf(() => device.run(misbehaveOp, { x }, { thread: 2, rounds: 10_000_000, traps: true }))
    expect(error).toMatchObject({
      code: 'worker-lost',
      message: expect.stringContaining('it stopped inside a kernel, in test/misbehave/plain/misbehave'),
    })
    await isBroken(device, x, error)
  })

  it('in a plan: the message names where it lies', async () => {
    const { device, x } = await open({ threads: 2 })
    const plan = device.capture(
      () =>
        device.run(
          reverseOp,
          {
            x: device.run(reverseOp, { x: device.run(misbehaveOp, { x }, { thread: 0, rounds: 1, traps: true }).y }, {})
              .y,
          },
          {},
        ).y,
    )
    expect(() => plan.replay()).toThrow(
      /in a plan of 5 stages from test\/misbehave\/plain\/misbehave to test\/reverse\/scratch\/reverse/,
    )
  })

  it('on a worker before the others have done their part: they do not wait for it', async () => {
    const { device, x } = await open({ joinTimeoutMs: 30_000 })
    // Thread 1 traps at once, thread 0 is busy until long after.
    const error = errorOf(() =>
      device.run(misbehaveOp, { x }, { thread: 1, rounds: 0, traps: true, others: 30_000_000 }),
    )
    expect(error).toMatchObject({ code: 'worker-lost', message: expect.stringContaining('it stopped inside a kernel') })
    await isBroken(device, x, error)
  })
})
