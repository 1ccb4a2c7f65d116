export { memoryStore, type WorkStore } from './work-store.ts'
