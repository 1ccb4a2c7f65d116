import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { labelWidth, type Named, placeLabels, type PlacedLabel } from './labels.ts'

const within = { left: 74, right: 720, top: 60, bottom: 388 }
const boxOf = ({ name, at, isLeft }: PlacedLabel) => ({
  left: at.x - (isLeft ? labelWidth(name) : 0),
  right: at.x + (isLeft ? 0 : labelWidth(name)),
  top: at.y - 9,
  bottom: at.y + 3,
})
const areApart = (a: ReturnType<typeof boxOf>, b: ReturnType<typeof boxOf>): boolean =>
  a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top

test('a lone name stands above on the right, and on the left where it would leave the picture', () => {
  const surroundings = { dots: [], lines: [], within }
  expect(
    placeLabels(
      [
        { x: 100, y: 200, name: 'first' },
        { x: 700, y: 100, name: 'last one' },
      ],
      surroundings,
    ),
  ).toEqual([
    { name: 'first', at: { x: 107, y: 194 }, isLeft: false, leader: undefined },
    { name: 'last one', at: { x: 693, y: 94 }, isLeft: true, leader: undefined },
  ])
  expect(placeLabels([{ x: 100, y: 64, name: 'below the top' }], surroundings)).toMatchObject([
    { at: { x: 107, y: 78 } },
  ])
})

test('names of points that lie close together hide no dot and no other name, and those far away have a line to their point', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = createRandom(seed)
    const named = Array.from(
      { length: 7 },
      (_, i): Named => ({ x: 380 + 40 * random.normal(), y: 220 + 25 * random.normal(), name: `a-name-of-${i}` }),
    )
    const placed = placeLabels(named, { dots: named, lines: [], within })
    const boxes = [
      ...placed.map(boxOf),
      ...named.map(({ x, y }) => ({ left: x - 3.5, right: x + 3.5, top: y - 3.5, bottom: y + 3.5 })),
    ]
    for (const [i, label] of placed.entries()) {
      for (const [j, other] of boxes.entries())
        if (i !== j)
          expect(areApart(boxes[i] as (typeof boxes)[number], other), `${seed}: ${label.name} and ${j}`).toBe(true)
      const { x, y } = named[i] as Named
      if (Math.abs(label.at.y - y) > 40) expect(label.leader?.[0]).toMatchObject({ x, y })
    }
  }
})

test('of places that are free, one that crosses no line', () => {
  const line = [
    { x: 74, y: 180 },
    { x: 700, y: 180 },
  ]
  const [label] = placeLabels([{ x: 300, y: 190, name: 'below it' }], { dots: [], lines: [line], within })
  expect(label?.at).toEqual({ x: 307, y: 204 })
})
