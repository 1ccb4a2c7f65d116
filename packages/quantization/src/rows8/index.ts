export { createRows8Format, type Rows8Format, rows8LayoutOf } from './format.ts'
export { rows8GridPacker } from './grid.ts'
export { rows8Formats, rows8Packers } from './packers.ts'
export type { Rows8Layout } from './layout.ts'
