export { denseReaders } from './dense.ts'
export type { WeightReader } from './weight-reader.ts'
export { type ElementReader, elementReader } from './element.ts'
