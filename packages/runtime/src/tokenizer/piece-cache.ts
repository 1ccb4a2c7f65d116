/** Pieces of ordinary text repeat: their ids are remembered, up to this many. */
const cacheLimit = 65_536
/** Longer pieces are rare and would fill the memory. */
const cachedLength = 64

/** Remembers the ids of short pieces. */
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
