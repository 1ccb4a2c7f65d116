export { flashBackwardWasm } from './flash.ts'
export { plainBackwardWasm } from './plain.ts'
