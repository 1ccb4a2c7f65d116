/** A place in the picture. */
export interface Place {
  readonly x: number
  readonly y: number
}

export interface Named extends Place {
  readonly name: string
}

export interface PlacedLabel {
  readonly name: string
  /** Start of the text on its baseline, or its end if `isLeft`. */
  readonly at: Place
  readonly isLeft: boolean
  /** Leader line from point to text, if the text is too far away. */
  readonly leader?: readonly [from: Place, to: Place] | undefined
}

export interface Surroundings {
  /** All dots, including named ones. */
  readonly dots: readonly Place[]
  readonly lines: readonly (readonly Place[])[]
  /** Area that labels must stay within. */
  readonly within: Box
}

export interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/**
 * Estimated widths for an 11-pixel font, since no font is available; system fonts do not exceed them for lower-case
 * names.
 */
export const labelWidth = (name: string): number => 6.2 * name.length
const ascent = 9
const descent = 3
const dotRadius = 4.5
/** Distance within which a name needs no leader line. */
const near = 20

/** Candidate positions: above right first, then the other corners, then the same at growing distances. */
const shifts: readonly (Place & { readonly isLeft: boolean })[] = [0, 14, 28, 42, 56, 70].flatMap((more) =>
  [-6 - more, 14 + more].flatMap((y) =>
    [0, more].flatMap((x) => [
      { x: 7 + x, y, isLeft: false },
      { x: -7 - x, y, isLeft: true },
    ]),
  ),
)

/** Places names one after the other so that they cover no dot or name and cross as few lines as possible. */
export function placeLabels(named: readonly Named[], { dots, lines, within }: Surroundings): readonly PlacedLabel[] {
  const taken: Box[] = dots.map(({ x, y }) => ({
    left: x - dotRadius,
    right: x + dotRadius,
    top: y - dotRadius,
    bottom: y + dotRadius,
  }))
  return named.map((point) => {
    const choices = shifts.map((shift, rank) => {
      const box = boxOf(point, shift)
      const isOutside =
        box.left < within.left || box.right > within.right || box.top < within.top || box.bottom > within.bottom
      const hidden = taken.filter((other) => overlap(box, other)).length
      const crossed = lines.filter((line) =>
        line.slice(1).some((to, index) => crosses(box, line[index] as Place, to)),
      ).length
      return { shift, box, cost: 1000 * (hidden + (isOutside ? 1 : 0)) + 6 * crossed + rank }
    })
    const { shift, box } = choices.reduce((best, choice) => (choice.cost < best.cost ? choice : best))
    taken.push(box)
    const at = { x: point.x + shift.x, y: point.y + shift.y }
    const end = { x: at.x, y: shift.y < 0 ? box.bottom : box.top }
    return {
      name: point.name,
      at,
      isLeft: shift.isLeft,
      leader: Math.hypot(end.x - point.x, end.y - point.y) > near ? ([point, end] as const) : undefined,
    }
  })
}

function boxOf({ x, y, name }: Named, shift: Place & { readonly isLeft: boolean }): Box {
  const begin = x + shift.x - (shift.isLeft ? labelWidth(name) : 0)
  return { left: begin, right: begin + labelWidth(name), top: y + shift.y - ascent, bottom: y + shift.y + descent }
}

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom

/** Whether a straight line goes through a box, by clipping it (Liang and Barsky 1984). */
function crosses({ left, right, top, bottom }: Box, from: Place, to: Place): boolean {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  let [enter, leave] = [0, 1]
  for (const [step, room] of [
    [-dx, from.x - left],
    [dx, right - from.x],
    [-dy, from.y - top],
    [dy, bottom - from.y],
  ] as const) {
    if (step === 0) {
      if (room < 0) return false
    } else if (step < 0) enter = Math.max(enter, room / step)
    else leave = Math.min(leave, room / step)
  }
  return enter <= leave
}
