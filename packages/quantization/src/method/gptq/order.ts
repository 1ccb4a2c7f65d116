/**
 * The order in which columns are rounded. Columns whose inputs are large are best rounded first, while many others can
 * still make up for them. `columns`: by falling second moment, groups then being made of columns that stand apart;
 * `groups`: groups by their mean second moment, and columns inside of each, so that groups stay as they are stored;
 * `stored`: as they stand.
 */
export type ColumnOrder = 'stored' | 'columns' | 'groups'

/** The columns in processing order. Stable: equals stay as they stand. */
export function orderColumns(
  secondMoment: Float32Array,
  columns: number,
  order: ColumnOrder,
  width: number,
): Int32Array {
  const all = Int32Array.from({ length: columns }, (_, column) => column)
  if (order === 'stored') return all
  const weight = (column: number): number => secondMoment[column * (columns + 1)] as number
  if (order === 'columns') return Int32Array.from([...all].sort((a, b) => weight(b) - weight(a)))
  const groups = Array.from({ length: Math.ceil(columns / width) }, (_, group) =>
    [...all.subarray(group * width, (group + 1) * width)].sort((a, b) => weight(b) - weight(a)),
  )
  const total = (group: readonly number[]): number =>
    group.reduce((sum, column) => sum + weight(column), 0) / group.length
  // A last short group stays last, so that groups begin at multiples of their width.
  return Int32Array.from(groups.sort((a, b) => b.length - a.length || total(b) - total(a)).flat())
}
