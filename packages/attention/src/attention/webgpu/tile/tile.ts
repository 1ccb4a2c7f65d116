/** Rows, and keys, of a tile: as in `tile.wgsl`. */
export const tileRows = 32
/** Elements of a row staged at once: 8 vectors. */
export const tileColumns = 32
