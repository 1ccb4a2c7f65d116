export { sweepRows } from './gptq/rows'
