import type { RoofName } from '../workload/index.ts'
import type { Profile } from './kernel-profile.ts'

/** Measured roofs for this number of threads, in GB/s and G operations per second. */
export type Peaks = Readonly<Partial<Record<RoofName, number>>>

export interface KernelLimit {
  /** Part of the sum of all kernels, 0 … 1. */
  readonly share: number
  /** Billions of bytes a second. */
  readonly readRate: number
  /** Billions of operations a second. */
  readonly operationRate: number
  /** Shortest time that the roofs allow: `max(bytes ÷ bandwidth, operations ÷ peak)`. */
  readonly limitMicroseconds: number
  /** The roof that determines it. */
  readonly bound: RoofName
  /** Limit ÷ time. Above 1 if the data are in cache: the bandwidth is that of memory. */
  readonly fraction: number
}

/**
 * How close each kernel comes to the machine's limit (the roofline of Williams, Waterman and Patterson, 2009), in the
 * order of `kernels`. Undefined if a roof was not measured.
 */
export function limitsOf(
  { kernels, integerPeak }: Pick<Profile, 'kernels' | 'integerPeak'>,
  peaks: Peaks,
): readonly KernelLimit[] | undefined {
  const { read, fmaF32, [integerPeak]: integer } = peaks
  if (!read || !fmaF32 || !integer) return undefined
  const total = kernels.reduce((sum, { microseconds }) => sum + microseconds, 0)
  return kernels.map(({ microseconds, bytesRead, flops, isInteger }) => {
    // A billion a second is a thousand a microsecond.
    const reading = bytesRead / (1000 * read)
    const computing = flops / (1000 * (isInteger ? integer : fmaF32))
    const limitMicroseconds = Math.max(reading, computing)
    const bound: RoofName = reading >= computing ? 'read' : isInteger ? integerPeak : 'fmaF32'
    return {
      share: microseconds / total,
      readRate: bytesRead / (1000 * microseconds),
      operationRate: flops / (1000 * microseconds),
      limitMicroseconds,
      bound,
      fraction: limitMicroseconds / microseconds,
    }
  })
}
