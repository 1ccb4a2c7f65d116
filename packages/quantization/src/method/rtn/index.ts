export { nvfp4, type Nvfp4Result } from './nvfp4.ts'
export { rtn, type RtnOptions } from './rtn.ts'
