// One lane's part of the products of ROWS weight rows (1, 2 or 4) from row0 on with x[K]: each vector of x is read once for all rows.
// Prelude: ROWS, GROUP, HAS_MINIMUM, LANES; a weight reader; x4, begin_x.

fn product_of(row: u32, k: u32, first: vec4<f32>, second: vec4<f32>) -> f32 {
  let codes = codes_of(row, k);
  return dot(codes[0], first) + dot(codes[1], second);
}

// One component per row. Rows that are not there repeat the last one and are not stored.
fn sums_of(row0: u32, lane: u32) -> vec4<f32> {
  var sums = vec4<f32>();
  begin_x();
  if (row0 >= params.rows) { return sums; }
  let row1 = min(row0 + 1u, params.rows - 1u);
  let row2 = min(row0 + 2u, params.rows - 1u);
  let row3 = min(row0 + 3u, params.rows - 1u);
  for (var k = lane * GROUP; k < params.columns; k += LANES * GROUP) {
    var products = vec4<f32>();
    var inputs = 0.0;
    for (var i = k; i < k + GROUP; i += 8u) {
      let first = x4(0u, i);
      let second = x4(0u, i + 4u);
      products.x += product_of(row0, i, first, second);
      if (ROWS > 1u) { products.y += product_of(row1, i, first, second); }
      if (ROWS > 2u) {
        products.z += product_of(row2, i, first, second);
        products.w += product_of(row3, i, first, second);
      }
      if (HAS_MINIMUM == 1u) { inputs += dot(first + second, vec4<f32>(1.0)); }
    }
    sums.x += dot(scale_of(row0, k), vec2<f32>(products.x, -inputs));
    if (ROWS > 1u) { sums.y += dot(scale_of(row1, k), vec2<f32>(products.y, -inputs)); }
    if (ROWS > 2u) {
      sums.z += dot(scale_of(row2, k), vec2<f32>(products.z, -inputs));
      sums.w += dot(scale_of(row3, k), vec2<f32>(products.w, -inputs));
    }
  }
  return sums;
}
