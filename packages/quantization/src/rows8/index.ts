export { rows8Formats, rows8Packers } from './format.ts'
