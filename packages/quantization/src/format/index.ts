export { type Block, type BlockType, createBlock } from './block-type.ts'
export { createBlockFormat } from './block-format.ts'
export { ggmlBlockTypes, ggmlFormat, ggmlFormats } from './ggml.ts'
