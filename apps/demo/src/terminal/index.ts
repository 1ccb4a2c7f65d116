export { formatBytes, formatCount, formatRate, formatTime } from './format.ts'
export { type Io, processIo } from './io.ts'
export { createScreen, type Screen } from './screen.ts'
export { formatTable } from './table.ts'
