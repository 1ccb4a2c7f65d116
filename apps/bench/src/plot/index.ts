export { type Axis, type Plot, type Point, renderPlot, type Series } from './plot.ts'
export type { Theme } from './theme.ts'
export { writePlot } from './write.ts'
