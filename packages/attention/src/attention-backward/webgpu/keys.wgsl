// dK = scale · dSᵀ Q, or dV = Pᵀ dO: a workgroup holds 32 keys of a KV head and walks over the rows that see them, of one query head of
// the group after the other, in tiles of 32.
// Prelude: GROUP, OUTPUT_TILES (of 8 vectors); weights_of; row4 (rows of q or do); store_x4, x_at; the tiles.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let kv_head = index % params.kv_heads;
  let key_tile = (index / params.kv_heads) % params.key_tiles;
  let batch = index / (params.kv_heads * params.key_tiles);
  let first_key = i32(key_tile * TILE);
  let x = lane % 8u;
  let y = lane / 8u;
  var sums: array<array<vec4<f32>, 4>, OUTPUT_TILES>;
  for (var member = 0u; member < GROUP; member++) {
    let head = kv_head * GROUP + member;
    for (var first_row = 0u; first_row < params.seq_q; first_row += TILE) {
      let last_row = min(first_row + TILE, params.seq_q) - 1u;
      // Spans never fall from row to row: these are the keys of the tile of rows.
      let end_key = min(span_of(batch, last_row).end, first_key + i32(TILE));
      if (first_key >= end_key || first_key + i32(TILE) <= span_of(batch, first_row).first) { continue; }
      let weights = weights_of(lane, batch, head, first_row, last_row, first_key, end_key);
      // Transposed: line i of the tile is key i, and component c of vector j is row j + 8c.
      for (var j = 0u; j < 4u; j++) { weight_tile[(x + 8u * j) * TILE_STRIDE + y] = vec4<f32>(weights[0][j], weights[1][j], weights[2][j], weights[3][j]); }
      for (var chunk = 0u; chunk < OUTPUT_TILES; chunk++) {
        workgroupBarrier();
        for (var i = lane; i < 256u; i += 64u) {
          let row = first_row + i / 8u;
          var value = vec4<f32>();
          // A row that sees no key may hold anything.
          if (row <= last_row && !is_dead(state_of(batch, head, row))) { value = row4(batch, head, row, 8u * chunk + i % 8u); }
          kv_tile[(i / 8u) * TILE_STRIDE + i % 8u] = value;
        }
        workgroupBarrier();
        let added = values_of(lane);
        for (var r = 0u; r < 4u; r++) { sums[chunk][r] += added[r]; }
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let key = key_tile * TILE + y + 8u * r;
    if (key >= params.seq_kv) { continue; }
    for (var chunk = 0u; chunk < OUTPUT_TILES; chunk++) { store_x4(x_at(batch, kv_head, key), 8u * chunk + x, sums[chunk][r] * params.factor); }
  }
}
