export { codeRowBytes, packCodes, unpackCodes } from './codes.ts'
export {
  type GridFormat,
  gridFormat,
  type GridFormatOptions,
  isGridFormat,
  joinParts,
  splitParts,
  type ZeroType,
} from './grid-format.ts'
export { packMatrix, unpackMatrix } from './pack-matrix.ts'
export { gridPacker } from './packer.ts'
