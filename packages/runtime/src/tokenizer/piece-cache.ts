/** Number of pieces whose ids are cached; pieces of ordinary text repeat. */
const cacheLimit = 65_536
/** Length of the longest cached piece; longer ones are rare and would fill the memory. */
const cachedLength = 64

/** Caches the ids of short pieces. */
export function rememberPieces(encode: (piece: string) => readonly number[]): (piece: string) => readonly number[] {
  const known = new Map<string, readonly number[]>()
  return (piece) => {
    if (piece.length > cachedLength) return encode(piece)
    const remembered = known.get(piece)
    if (remembered) return remembered
    const ids = encode(piece)
    if (known.size >= cacheLimit) known.clear()
    known.set(piece, ids)
    return ids
  }
}
