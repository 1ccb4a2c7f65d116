// y[N] = x[K] · weightᵀ: LANES neighbouring lanes share ROWS weight rows (1, 2 or 4), so that each vector of x that is read serves all of them.
// Prelude: ROWS, GROUP, HAS_MINIMUM, LANES, WORKGROUP; a weight reader; x4; bias_of and residual_of.

// One component per row.
var<workgroup> partial: array<vec4<f32>, WORKGROUP>;

fn product_of(row: u32, k: u32, first: vec4<f32>, second: vec4<f32>) -> f32 {
  let codes = codes_of(row, k);
  return dot(codes[0], first) + dot(codes[1], second);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row0 = ((id.x + id.y * groups.x) * (WORKGROUP / LANES) + local / LANES) * ROWS;
  let lane = local % LANES;
  // Rows that are not there repeat the last one and are not stored.
  let row1 = min(row0 + 1u, params.rows - 1u);
  let row2 = min(row0 + 2u, params.rows - 1u);
  let row3 = min(row0 + 3u, params.rows - 1u);
  var sums = vec4<f32>();
  if (row0 < params.rows) {
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
  }
  partial[local] = sums;
  workgroupBarrier();
  // One barrier and one short sum for each output: a tree of barriers costs more where subgroups are small.
  for (var r = lane; r < ROWS; r += LANES) {
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) { sum += partial[local - lane + i][r]; }
    let row = row0 + r;
    if (row < params.rows) { y[row] = sum + bias_of(row) + residual_of(row); }
  }
}
