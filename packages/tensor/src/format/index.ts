export type { Format, FormatPart } from './format.ts'
