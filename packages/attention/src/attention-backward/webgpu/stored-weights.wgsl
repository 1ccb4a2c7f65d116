// Weights that an earlier pass stored, in the layout of `products_of`; zeros beyond the requested rows and keys.
fn weights_of(lane: u32, batch: u32, head: u32, first_row: u32, last_row: u32, first_key: i32, end_key: i32) -> array<vec4<f32>, 4> {
  // Tiles are overwritten next, so all lanes must have read them.
  workgroupBarrier();
  var weights = array<vec4<f32>, 4>();
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + lane / 8u + 8u * r;
    if (row > last_row) { continue; }
    for (var j = 0u; j < 4u; j++) {
      let key = first_key + i32(lane % 8u + 8u * j);
      if (key < end_key) { weights[r][j] = stored[stored_at(batch, head, row) + u32(key)]; }
    }
  }
  return weights;
}
