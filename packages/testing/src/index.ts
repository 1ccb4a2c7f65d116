export * from './compare/index.ts'
export * from './conform/index.ts'
export * from './generate/index.ts'
export * from './golden/index.ts'
