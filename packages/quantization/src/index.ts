export * from './format/index.ts'
export * from './packer/index.ts'
export * from './rows8/index.ts'
export * from './quantized-matrix/index.ts'
