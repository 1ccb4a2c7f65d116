export { type ErrorCode, isTesseraError, TesseraError, type TesseraErrorOptions } from './error.ts'
