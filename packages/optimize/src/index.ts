export * from './names/index.ts'
export * from './recipe/index.ts'
export * from './weights/index.ts'
