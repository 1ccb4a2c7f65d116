export { type MeanWithErrors, meanWithErrors } from './mean-with-errors.ts'
