import { elementBytes, loadElement, loadElement4 } from '../element'

/** Packs up to 8 rows as a panel, f32 [K][8]; missing rows are zero. */
@inline
export function layPanel(kind: i32, source: usize, rowBytes: usize, columns: u32, rows: u32, panel: usize): void {
  const step = elementBytes(kind)
  if (rows < 8) memory.fill(panel, 0, (<usize>columns) << 5)
  for (let quad: u32 = 0; quad < rows; quad += 4) {
    const r0 = source + quad * rowBytes
    let k: u32 = 0
    let to = panel + (quad << 2)
    if (rows - quad >= 4) {
      for (; k + 4 <= columns; k += 4, to += 128) {
        const from = r0 + k * step
        const a = loadElement4(kind, from)
        const b = loadElement4(kind, from + rowBytes)
        const c = loadElement4(kind, from + 2 * rowBytes)
        const d = loadElement4(kind, from + 3 * rowBytes)
        const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
        const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
        const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
        const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
        v128.store(to, v128.shuffle<i64>(ab0, cd0, 0, 2))
        v128.store(to, v128.shuffle<i64>(ab0, cd0, 1, 3), 32)
        v128.store(to, v128.shuffle<i64>(ab1, cd1, 0, 2), 64)
        v128.store(to, v128.shuffle<i64>(ab1, cd1, 1, 3), 96)
      }
    }
    for (; k < columns; k++, to += 32) {
      for (let r: u32 = 0; r < min<u32>(4, rows - quad); r++)
        store<f32>(to + (r << 2), loadElement(kind, r0 + r * rowBytes + k * step))
    }
  }
}
