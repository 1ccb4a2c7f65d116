import type { Trace } from '../trace/flash-trace.ts'
import { color, h } from './dom.ts'
import { rgb } from './heatmap.ts'

export interface ScoreMapState {
  readonly trace: Trace
  readonly step: number
  readonly tokens: readonly string[]
  readonly rowTile: number
  readonly keyTile: number
}

/** The matrix of scores, of which flash attention holds one tile: rows are queries, columns keys. */
export function scoreMap(): { readonly element: HTMLCanvasElement; show(state: ScoreMapState): void; draw(): void } {
  const element = h('canvas', { role: 'img', class: 'score-map' })
  let state: ScoreMapState | undefined
  const draw = (): void => {
    if (!state) return
    const { trace, step, tokens, rowTile, keyTile } = state
    const ratio = globalThis.devicePixelRatio || 1
    const width = Math.max(280, element.clientWidth)
    const labels = width > 420 ? 84 : 0
    const size = (width - labels) / tokens.length
    element.width = Math.round(width * ratio)
    element.height = Math.round((width - labels) * ratio)
    element.style.aspectRatio = `${width} / ${width - labels}`
    const context = element.getContext('2d') as CanvasRenderingContext2D
    context.scale(ratio, ratio)
    context.clearRect(0, 0, width, width - labels)
    const now = trace.steps[step]
    if (!now) return
    const [zero, full] = [rgb('--map-zero'), rgb('--map-positive')]
    const cell = (row: number, key: number, style: string): void => {
      context.fillStyle = style
      context.fillRect(labels + key * size, row * size, size + 0.5, size + 0.5)
    }
    for (const [index, tile] of trace.steps.slice(0, step + 1).entries()) {
      const isDone = tile.firstRow !== now.firstRow
      for (let row = tile.firstRow; row < tile.endRow; row++) {
        // Weights of a finished tile of queries are final; those of the current tile are relative to the running sums.
        const log = isDone
          ? (trace.logSumExp[row] as number)
          : (now.maxima[row - tile.firstRow] as number) + Math.log(now.sums[row - tile.firstRow] as number)
        for (let key = tile.firstKey; key < tile.endKey; key++) {
          const score = trace.scores[row * tokens.length + key] as number
          const share = score === Number.NEGATIVE_INFINITY ? 0 : Math.exp(score - log) ** 0.6
          cell(
            row,
            key,
            tile.isSkipped
              ? color('--map-skip')
              : `rgb(${[0, 1, 2].map((c) => Math.round((zero[c] as number) + share * ((full[c] as number) - (zero[c] as number)))).join(' ')})`,
          )
        }
      }
      if (tile.isSkipped && index <= step)
        hatch(
          context,
          labels + tile.firstKey * size,
          tile.firstRow * size,
          (tile.endKey - tile.firstKey) * size,
          (tile.endRow - tile.firstRow) * size,
        )
    }
    context.strokeStyle = color('--line')
    context.lineWidth = 1
    for (let at = 0; at <= tokens.length; at += rowTile) line(context, labels, at * size, width, at * size)
    for (let at = 0; at <= tokens.length; at += keyTile)
      line(context, labels + at * size, 0, labels + at * size, width - labels)
    context.strokeStyle = color('--now')
    context.lineWidth = 3
    context.strokeRect(
      labels + now.firstKey * size + 1,
      now.firstRow * size + 1,
      (now.endKey - now.firstKey) * size - 2,
      (now.endRow - now.firstRow) * size - 2,
    )
    if (labels === 0) return
    context.font = `${Math.min(11, size)}px ui-monospace, monospace`
    context.textAlign = 'right'
    context.textBaseline = 'middle'
    for (const [row, token] of tokens.entries()) {
      context.fillStyle = color(row >= now.firstRow && row < now.endRow ? '--ink' : '--ink-soft')
      context.fillText(token.trim().slice(0, 12) || '␣', labels - 6, (row + 0.5) * size)
    }
  }
  return {
    element,
    draw,
    show(next) {
      state = next
      const now = next.trace.steps[next.step]
      element.setAttribute(
        'aria-label',
        `Matrix of ${next.tokens.length} queries by ${next.tokens.length} keys in tiles of ${next.rowTile} by ${next.keyTile}; tile ${next.step + 1} of ${next.trace.steps.length}${now?.isSkipped ? ', skipped' : ''}.`,
      )
      draw()
    },
  }
}

function line(context: CanvasRenderingContext2D, x: number, y: number, toX: number, toY: number): void {
  context.beginPath()
  context.moveTo(x, y)
  context.lineTo(toX, toY)
  context.stroke()
}

function hatch(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.save()
  context.beginPath()
  context.rect(x, y, width, height)
  context.clip()
  context.strokeStyle = color('--line')
  context.lineWidth = 1
  for (let at = -height; at < width; at += 7) line(context, x + at, y + height, x + at + height, y)
  context.restore()
}
