export { createRows8Format, type Rows8Format, rows8Formats, rows8LayoutOf, rows8Packers } from './format.ts'
export { rows8GridPacker } from './grid.ts'
export type { Rows8Layout } from './layout.ts'
