import { invalidFile, quoted } from './invalid-file.ts'

/** Location of a tensor's data in a file. */
export interface Extent {
  readonly name: string
  readonly start: number
  readonly end: number
  /** Byte offset of the header field that defines it, for messages. */
  readonly fieldAt: number
}

/** Throws unless every extent is inside the file and no two overlap. Empty tensors may be anywhere inside. */
export function checkExtents(file: string, fileSize: number, extents: readonly Extent[]): void {
  for (const { name, start, end, fieldAt } of extents) {
    if (!Number.isSafeInteger(end) || end > fileSize) {
      const problem = `bytes ${start} to ${end} lie beyond the end of the file, which has ${fileSize} bytes (truncated?)`
      throw invalidFile(file, `data of tensor ${quoted(name)}`, fieldAt, problem)
    }
  }
  const ordered = extents.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start)
  for (const [i, extent] of ordered.entries()) {
    const before = ordered[i - 1]
    if (before !== undefined && extent.start < before.end) {
      const problem = `bytes ${extent.start} to ${extent.end} overlap tensor ${quoted(before.name)}, which ends at ${before.end}`
      throw invalidFile(file, `data of tensor ${quoted(extent.name)}`, extent.fieldAt, problem)
    }
  }
}
