export { rawPackers } from './raw.ts'
