export { decodedCheckpoint } from './decoded-checkpoint.ts'
export { changedFormat, writeGgufModel } from './write-model.ts'
