export { type ActivationKind } from './functions.ts'
