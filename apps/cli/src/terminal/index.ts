export { formatBytes } from './format.ts'
export { type Io, processIo } from './io.ts'
export { createOutput, type Output } from './output.ts'
export type { Progress } from './progress.ts'
