export { rtn, type RtnOptions } from './rtn.ts'
