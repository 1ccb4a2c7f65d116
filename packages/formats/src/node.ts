export { fileSink } from './sink/file-sink.ts'
export { fileSource } from './source/file-source.ts'
export { openCheckpoint } from './source/open-checkpoint.ts'
