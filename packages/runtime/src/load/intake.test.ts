import type { StoredTensor } from '@tessera-llm/formats'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { expect, test } from 'vitest'
import { createIntake } from './intake.ts'

interface Read {
  readonly offset: number
  readonly length: number
  finish(): void
  fail(error: Error): void
}

/** A tensor whose reads resolve when the test decides; each byte is its offset. */
function slow(canFill = false): { readonly stored: StoredTensor; readonly reads: Read[] } {
  const reads: Read[] = []
  const wait = (offset: number, length: number): Promise<void> =>
    new Promise((resolve, reject) => {
      reads.push({ offset, length, finish: resolve, fail: reject })
    })
  const bytesAt = (offset: number, length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, index) => offset + index)
  const stored: StoredTensor = {
    name: 'slow',
    shape: [2 ** 25],
    format: 'u8',
    byteLength: 2 ** 25,
    async read(offset = 0, length = 0) {
      await wait(offset, length)
      return bytesAt(offset, length)
    },
    ...(canFill && {
      async readInto(target: Uint8Array, offset: number) {
        await wait(offset, target.length)
        target.set(bytesAt(offset, target.length))
      },
    }),
  }
  return { stored, reads }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('reads begin in the order of the calls, few at a time, and a large one alone', async () => {
  const { stored, reads } = slow()
  const intake = createIntake(createReferenceDevice())
  const done = Promise.all(
    [3 * 2 ** 20, 4 * 2 ** 20, 2 * 2 ** 20, 2 ** 24, 1].map((length, index) =>
      intake.read(stored, index, length, () => index),
    ),
  )
  await settle()
  expect(reads.map(({ offset }) => offset)).toEqual([0, 1])
  reads[1]?.finish()
  await settle()
  expect(reads.map(({ offset }) => offset)).toEqual([0, 1, 2])
  reads[0]?.finish()
  await settle()
  expect(reads).toHaveLength(3)
  for (const index of [2, 3, 4]) {
    reads[index]?.finish()
    await settle()
  }
  expect(await done).toEqual([0, 1, 2, 3, 4])
})

test.each([
  ['reference', false],
  ['wasm', true],
] as const)('%s: rows come into memory of the device, which is free when nothing is read', async (kind, canFill) => {
  const device = kind === 'wasm' ? await createWasmDevice({ kernels: [], threads: 1 }) : createReferenceDevice()
  const { stored, reads } = slow(canFill)
  const intake = createIntake(device)
  const staged = intake.readOnDevice(stored, 7, 3, 'staging', async (tensor) => (await device.read(tensor)).slice(0, 3))
  const whole = intake.readOnDevice(
    stored,
    9,
    4,
    () => device.empty([4], 'u8'),
    (tensor) => tensor,
  )
  await settle()
  for (const read of reads) read.finish()
  expect(await await staged).toEqual(Uint8Array.of(7, 8, 9))
  expect(await device.read(await whole)).toEqual(Uint8Array.of(9, 10, 11, 12))
  expect(device.memory().liveTensors).toBe(1)
  await device.dispose()
})

test('closing and failing leave nothing behind, and no read fills memory that is free', async () => {
  const device = createReferenceDevice()
  const { stored, reads } = slow()
  const intake = createIntake(device)
  const failing = intake.readOnDevice(
    stored,
    0,
    4,
    () => device.empty([4], 'u8'),
    (tensor) => tensor,
  )
  const staged = intake.readOnDevice(stored, 4, 4, 'staging', () => 'used')
  const waiting = intake.read(stored, 8, 2 ** 24, () => 'used')
  const all = Promise.allSettled([failing, staged, waiting])
  await settle()
  expect(device.memory().liveTensors).toBe(2)
  reads[0]?.fail(new Error('broken'))
  intake.close()
  await settle()
  expect(device.memory().liveTensors).toBe(1)
  reads[1]?.finish()
  expect((await all).map((result) => (result.status === 'rejected' ? String(result.reason.message) : 'used'))).toEqual([
    'broken',
    'load: loading has ended',
    'load: loading has ended',
  ])
  expect(device.memory().liveTensors).toBe(0)
})
