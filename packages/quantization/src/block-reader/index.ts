export { blockReaders } from './block-reader.ts'
