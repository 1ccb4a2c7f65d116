export type { Format, FormatPart } from './format.ts'
export type { DevicePacking, WeightPacker } from './packer.ts'
