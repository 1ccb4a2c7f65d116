export { createTextStream, type TextStream, type TextStreamOptions } from './text-stream.ts'
