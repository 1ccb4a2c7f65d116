// dS = P ∘ (do Vᵀ − D) of 32 rows and 32 keys, in the layout of `products_of`, by the product q · k · scale.
fn weights_of(lane: u32, batch: u32, head: u32, first_row: u32, last_row: u32, first_key: i32, end_key: i32) -> array<vec4<f32>, 4> {
  let products = products_of(lane, batch, head, first_row, last_row, first_key, end_key);
  var slopes = gradient_products_of(lane, batch, head, first_row, last_row, first_key, end_key);
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + lane / 8u + 8u * r;
    let state = state_of(batch, head, min(row, last_row));
    let span = span_of(batch, min(row, last_row));
    for (var j = 0u; j < 4u; j++) {
      let score = score_of(products[r][j], batch, head, min(row, last_row), span, first_key + i32(lane % 8u + 8u * j));
      let slope = exp2(score - state.x) * (slopes[r][j] - state.y) * bend_of(products[r][j]);
      slopes[r][j] = select(0.0, slope, row <= last_row && !is_dead(state) && is_visible(score));
    }
  }
  return slopes;
}
