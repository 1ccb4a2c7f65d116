export { checkChoice, checkF32, f32Spec } from './check.ts'
export { checkSuffix } from './broadcast.ts'
