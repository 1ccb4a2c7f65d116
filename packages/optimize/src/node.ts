export * from './files/index.ts'
export { folderStore } from './store/folder-store.ts'
export * from './index.ts'
