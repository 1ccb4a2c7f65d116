// As gemv-rows.wgsl with rounded x: sums of products of 8-bit codes in integers, scaled once for each STEP columns.
// Prelude: ROWS, STEP (16 or 32), HAS_MINIMUM, LANES; a weight reader with packed codes; x_codes_of, x_scale_of.

fn add_products(row: u32, k: u32, x: vec2<u32>, sum: i32) -> i32 {
  let codes = packed_codes_of(row, k);
  return sum + dot4I8Packed(codes.x, x.x) + dot4I8Packed(codes.y, x.y);
}

// One component per row. Rows that are not there repeat the last one and are not stored.
fn sums_of(row0: u32, lane: u32) -> vec4<f32> {
  var sums = vec4<f32>();
  if (row0 >= params.rows) { return sums; }
  let row1 = min(row0 + 1u, params.rows - 1u);
  let row2 = min(row0 + 2u, params.rows - 1u);
  let row3 = min(row0 + 3u, params.rows - 1u);
  for (var k = lane * STEP; k < params.columns; k += LANES * STEP) {
    var products = vec4<i32>();
    for (var i = k; i < k + STEP; i += 8u) {
      let x = x_codes_of(0u, i);
      products.x = add_products(row0, i, x, products.x);
      if (ROWS > 1u) { products.y = add_products(row1, i, x, products.y); }
      if (ROWS > 2u) {
        products.z = add_products(row2, i, x, products.z);
        products.w = add_products(row3, i, x, products.w);
      }
    }
    let scale = x_scale_of(0u, k);
    var inputs = 0.0;
    if (HAS_MINIMUM == 1u) {
      inputs = scale.y;
      if (STEP == 32u) { inputs += x_scale_of(0u, k + 16u).y; }
    }
    sums.x += scale.x * dot(packed_scale_of(row0, k), vec2<f32>(f32(products.x), -inputs));
    if (ROWS > 1u) { sums.y += scale.x * dot(packed_scale_of(row1, k), vec2<f32>(f32(products.y), -inputs)); }
    if (ROWS > 2u) {
      sums.z += scale.x * dot(packed_scale_of(row2, k), vec2<f32>(f32(products.z), -inputs));
      sums.w += scale.x * dot(packed_scale_of(row3, k), vec2<f32>(f32(products.w), -inputs));
    }
  }
  return sums;
}
