export { createRows8Format, type Rows8Format, rows8Formats, rows8LayoutOf, rows8Packers } from './format.ts'
export type { Rows8Layout } from './layout.ts'
