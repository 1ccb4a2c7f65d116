import { createDeviceEncoder, type Encode, encodePlain, ggmlFormat } from '@tessera-llm/quantization'
import { encodeBlocksWasm } from '@tessera-llm/quantization/wasm'
import { TesseraError } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { medianRate } from '../participant/matmul/index.ts'
import type { Description, Participant } from '../participant/index.ts'
import { hash, type Workload } from '../workload/index.ts'

/**
 * Measures the rate of encoding f32 values to blocks, from and to the caller's arrays: on the device's threads, or in
 * TypeScript.
 */
export function createEncodeParticipant(describe: (workload: Workload) => Description, isPlain: boolean): Participant {
  let device: WasmDevice | undefined
  let run: (() => Promise<void>) | undefined
  let megabytes = 0
  return {
    async prepare(workload) {
      if (workload.kind !== 'encode') throw new TesseraError('invalid-option', `bench: encoding is no ${workload.kind}`)
      const { format: id, importance, rows, columns, threads } = workload
      const format = ggmlFormat(id)
      let encode: Encode = encodePlain
      if (!isPlain) {
        device = await createWasmDevice({ kernels: [encodeBlocksWasm], threads })
        encode = createDeviceEncoder(device)
      }
      const values = Float32Array.from({ length: rows * columns }, (_, i) => 0.05 * bell(i))
      const options = importance ? { importance: Float32Array.from({ length: columns }, (_, i) => bell(i) ** 2) } : {}
      megabytes = (4 * rows * columns) / 1e6
      run = async () => void (await encode(format, values, [rows, columns], options))
      return describe(workload)
    },
    async measure() {
      if (!run) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      const encode = run
      let calls = 0
      const before = process.cpuUsage()
      const callsPerMs = await medianRate(async () => {
        calls += 1
        await encode()
      })
      const { user, system } = process.cpuUsage(before)
      return {
        figures: { rate: 1000 * megabytes * callsPerMs, processor: (1e6 * megabytes * calls) / (user + system) },
      }
    },
    async close() {
      await device?.dispose()
    },
  }
}

/** Nearly normal: the sum of four uniform values. */
function bell(index: number): number {
  let sum = 0
  for (let part = 0; part < 4; part++) sum += (hash(4 * index + part) >>> 8) / 2 ** 23 - 1
  return 0.866 * sum
}
