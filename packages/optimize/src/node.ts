export { folderStore } from './store/folder-store.ts'
export * from './index.ts'
