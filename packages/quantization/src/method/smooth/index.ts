export { smoothScales } from './smooth.ts'
