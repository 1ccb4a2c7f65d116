export { createPagePool, type PagePool, type PagePoolOptions } from './pool.ts'
