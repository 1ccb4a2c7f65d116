export { gridReader } from './grid-reader.ts'
