export { decodeWasm } from './decode.ts'
export { flashWasm } from './flash.ts'
export { plainWasm } from './plain.ts'
