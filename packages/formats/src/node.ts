export { fileSource } from './source/file-source.ts'
