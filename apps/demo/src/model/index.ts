export { type Contents, contentsOf } from './contents.ts'
export { type ModelFiles, openModel } from './open-model.ts'
