export type { Format, FormatPart } from './format.ts'
export type { WeightPacker } from './packer.ts'
