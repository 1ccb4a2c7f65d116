export { hashFile, hashModel } from './hash-file.ts'
export { type JsonLine, readJsonLines } from './json-lines.ts'
export { readText } from './read-text.ts'
export {
  copiedBytes,
  type FolderFiles,
  refuseInside,
  refuseUnlessFree,
  writeFolder,
  type WriteFolderOptions,
} from './write-folder.ts'
