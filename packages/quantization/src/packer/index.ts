export { ggmlPackers } from './ggml.ts'
export { rawPackers } from './raw.ts'
