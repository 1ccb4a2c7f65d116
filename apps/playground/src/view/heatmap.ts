import { color, h } from './dom.ts'

/** A canvas that draws itself again when the theme changes. */
export interface Picture {
  readonly element: HTMLCanvasElement
  draw(): void
}

/**
 * A matrix as colors: zero has the page's color, positive and negative values have a hue each, saturated at `scale`.
 * `label` describes it.
 */
export function heatmap(
  label: string,
  rows: number,
  columns: number,
  values: ArrayLike<number>,
  scale: number,
): Picture {
  const element = h('canvas', { role: 'img', 'aria-label': label, width: columns, height: rows, class: 'heatmap' })
  return {
    element,
    draw() {
      const context = element.getContext('2d') as CanvasRenderingContext2D
      const image = context.createImageData(columns, rows)
      const [zero, positive, negative] = [rgb('--map-zero'), rgb('--map-positive'), rgb('--map-negative')]
      for (let i = 0; i < rows * columns; i++) {
        const value = (values[i] as number) / scale
        const share = Math.min(1, Math.abs(value)) ** 0.7
        const end = value >= 0 ? positive : negative
        for (let c = 0; c < 3; c++)
          image.data[i * 4 + c] = (zero[c] as number) + share * ((end[c] as number) - (zero[c] as number))
        image.data[i * 4 + 3] = 255
      }
      context.putImageData(image, 0, 0)
    },
  }
}

/** `#rrggbb` of a custom property. */
export function rgb(name: string): readonly [number, number, number] {
  const value = Number.parseInt(color(name).slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}
