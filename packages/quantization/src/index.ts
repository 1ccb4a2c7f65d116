export * from './format/index.ts'
export * from './packer/index.ts'
