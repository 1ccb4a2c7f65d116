import { TesseraError } from '@tessera-llm/tensor'
import { bufferUsage, mapModeRead } from '../buffer/usage.ts'

/** GPU time of one dispatch. Browsers round timestamps to 100 µs unless started with developer features. */
export interface DispatchTime {
  /** `rms-norm/row[x:f32[4,64]]` */
  readonly label: string
  readonly microseconds: number
}

/** Hands out pairs of timestamp slots, then reads them. */
export interface PassTimer {
  next(label: string): GPUComputePassTimestampWrites
  read(): Promise<readonly DispatchTime[]>
}

/** WebGPU's limit on the entries of a query set. */
const maxQueries = 4096

export function createPassTimer(device: GPUDevice, name: string): PassTimer {
  if (!device.features.has('timestamp-query')) {
    throw new TesseraError(
      'unsupported',
      `${name}: has no timestamp-query, so single dispatches cannot be timed; time whole calls between two synchronize()`,
    )
  }
  const querySet = device.createQuerySet({ label: 'timing', type: 'timestamp', count: maxQueries })
  const labels: string[] = []
  return {
    next(label) {
      const index = labels.length * 2
      if (index + 2 > maxQueries)
        throw new TesseraError(
          'invalid-option',
          `${name}: more than ${maxQueries / 2} dispatches in one timing; time a smaller part`,
        )
      labels.push(label)
      return { querySet, beginningOfPassWriteIndex: index, endOfPassWriteIndex: index + 1 }
    },
    async read() {
      if (labels.length === 0) return []
      const size = labels.length * 16
      const resolved = device.createBuffer({
        label: 'timing',
        size,
        usage: bufferUsage.queryResolve | bufferUsage.copySrc,
      })
      const staging = device.createBuffer({ label: 'timing', size, usage: bufferUsage.mapRead | bufferUsage.copyDst })
      const encoder = device.createCommandEncoder({ label: 'timing' })
      encoder.resolveQuerySet(querySet, 0, labels.length * 2, resolved, 0)
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, size)
      device.queue.submit([encoder.finish()])
      await staging.mapAsync(mapModeRead)
      const nanoseconds = new BigUint64Array(staging.getMappedRange().slice(0))
      for (const resource of [resolved, staging, querySet]) resource.destroy()
      return labels.map((label, index) => ({
        label,
        microseconds: Number((nanoseconds[index * 2 + 1] ?? 0n) - (nanoseconds[index * 2] ?? 0n)) / 1000,
      }))
    },
  }
}
