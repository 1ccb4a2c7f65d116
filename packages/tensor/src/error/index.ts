export { didYouMean } from './did-you-mean.ts'
export { type ErrorCode, isTesseraError, TesseraError, type TesseraErrorOptions } from './error.ts'
