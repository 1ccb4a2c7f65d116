import { readFile } from 'node:fs/promises'
import { bufferSink, bufferSource, readGguf, readSafetensors } from '@tessera-llm/formats'
import { llamaFamily } from '@tessera-llm/runtime'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { expect, test } from 'vitest'
import { createStream, recordModel } from '../program/index.ts'
import { memoryStore } from '../store/index.ts'
import { subjectOf } from '../subject/index.ts'
import { calibrate, readCalibration } from './index.ts'

const text = { ids: [5, 9, 2, 700, 31, 8, 1, 1, 2, 3] }
const subject = subjectOf(await readGguf(bufferSource(await readFile(tinyModel.ggufUrl))), { families: [llamaFamily] })

test('holds the sums over the inputs of every layer, shared by those that read the same, and goes on after an abort', async () => {
  const device = createReferenceDevice()
  const options = { device, windows: 2, window: 5 }
  const store = memoryStore()
  const abort = new AbortController()
  const stopped = calibrate(subject, text, bufferSink(), {
    ...options,
    store,
    signal: abort.signal,
    onProgress: (done) => done === 5 && abort.abort(),
  })
  await expect(stopped).rejects.toThrow('calibrate: aborted by the caller; run it again to go on')
  const seen: string[] = []
  const sink = bufferSink()
  await calibrate(subject, text, sink, { ...options, store, onProgress: (_done, _total, site) => seen.push(site) })
  expect(seen[0]).toBe('layers.1.attention.output')
  const whole = bufferSink()
  await calibrate(subject, text, whole, options)
  expect(Buffer.compare(sink.bytes(), whole.bytes())).toBe(0)

  const calibration = readCalibration(await readSafetensors(bufferSource(whole.bytes())))
  expect(calibration.sites).toHaveLength(25)
  const gate = await calibration.statisticsOf('layers.2.mlp.gate')
  expect(gate).toEqual(await calibration.statisticsOf('layers.2.mlp.up'))
  expect([gate.columns, gate.count]).toEqual([192, 10])

  // Statistics computed from the inputs by plain arithmetic; the second moment of down consists of several panels.
  const program = await recordModel(subject, 5)
  for (const [name, columns, places] of [
    [
      'gate',
      192,
      [
        [0, 0],
        [3, 100],
        [191, 7],
      ],
    ],
    [
      'down',
      512,
      [
        [0, 0],
        [3, 500],
        [500, 3],
        [511, 175],
        [200, 201],
      ],
    ],
  ] as const) {
    const found = await calibration.statisticsOf(`layers.2.mlp.${name}`)
    const site = program.sites.find(({ linears }) =>
      linears.includes(`layers.2.mlp.${name}`),
    ) as (typeof program.sites)[number]
    const weight = async (of: string) =>
      device.tensor((await subject.weights.get(of)?.read()) as Float32Array, subject.weights.get(of)?.shape ?? [])
    const stream = createStream({ device, program, windows: [text.ids.slice(0, 5), text.ids.slice(5)], weight })
    await stream.advance(site.step)
    const rows: number[][] = []
    for (const window of [0, 1]) {
      const values = await device.read(stream.tensor(window, site.input))
      for (let token = 0; token < 5; token++)
        rows.push(Array.from(values.subarray(token * columns, (token + 1) * columns) as Float32Array))
    }
    const total = (of: (row: number[]) => number): number => rows.reduce((sum, row) => sum + of(row), 0)
    for (const [i, j] of places) {
      expect(found.secondMoment?.[i * columns + j]).toBeCloseTo(
        total((row) => (row[i] as number) * (row[j] as number)),
        3,
      )
      expect(found.squares?.[j]).toBeCloseTo(
        total((row) => (row[j] as number) ** 2),
        3,
      )
      expect(found.sum?.[j]).toBeCloseTo(
        total((row) => row[j] as number),
        4,
      )
      expect(found.absSum?.[j]).toBeCloseTo(
        total((row) => Math.abs(row[j] as number)),
        4,
      )
      expect(found.absMax?.[j]).toBeCloseTo(Math.max(...rows.map((row) => Math.abs(row[j] as number))), 5)
    }
    stream.dispose()
  }
})

test('refuses a text that is too short, and a file that is none', async () => {
  await expect(
    calibrate(subject, text, bufferSink(), { device: createReferenceDevice(), windows: 3, window: 5 }),
  ).rejects.toThrow('3 windows of 5 tokens need 15 tokens, but the text has 10')
  expect(() =>
    readCalibration({
      container: 'safetensors',
      metadata: {},
      tensors: new Map(),
      byteLength: 0,
      close: async () => {},
    }),
  ).toThrow('the file holds no calibration')
})
