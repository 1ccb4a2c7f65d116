// Stores the weights of a tile of 32 rows and 32 keys of a head: P, or dS.
// Prelude: weights_of; stored; stored_at; span_of; the tiles.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let first_key = i32((index % params.key_tiles) * TILE);
  let row_tile = (index / params.key_tiles) % params.row_tiles;
  let head = (index / (params.key_tiles * params.row_tiles)) % params.heads;
  let batch = index / (params.key_tiles * params.row_tiles * params.heads);
  let first_row = row_tile * TILE;
  let last_row = min(first_row + TILE, params.seq_q) - 1u;
  let end_key = min(span_of(batch, last_row).end, first_key + i32(TILE));
  // Nothing reads weights outside the spans of their rows.
  if (first_key >= end_key || first_key + i32(TILE) <= span_of(batch, first_row).first) { return; }
  let weights = weights_of(lane, batch, head, first_row, last_row, first_key, end_key);
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + lane / 8u + 8u * r;
    if (row > last_row) { continue; }
    for (var j = 0u; j < 4u; j++) {
      let key = first_key + i32(lane % 8u + 8u * j);
      if (key < end_key) { stored[stored_at(batch, head, row) + u32(key)] = weights[r][j]; }
    }
  }
}
