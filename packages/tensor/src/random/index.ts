export { createRandom, philox, type Random } from './philox.ts'
