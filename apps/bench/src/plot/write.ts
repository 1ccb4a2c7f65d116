import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plot, renderPlot } from './plot.ts'

/**
 * Writes `<name>.light.svg` and `<name>.dark.svg` into the folder and returns Markdown that shows the one for the
 * reader's theme.
 */
export function writePlot(folder: string, name: string, plot: Plot): string {
  mkdirSync(folder, { recursive: true })
  for (const theme of ['light', 'dark'] as const)
    writeFileSync(join(folder, `${name}.${theme}.svg`), renderPlot(plot, theme))
  return `<picture><source media="(prefers-color-scheme: dark)" srcset="${name}.dark.svg"><img alt="${plot.title.replaceAll('"', '&quot;')}" src="${name}.light.svg"></picture>`
}
