// y[B, M, N] = a · b, each operand read by strides, so that transposes are no copies: 64 lanes as 8 × 8, each 4 × 4 outputs, K in steps of 16.
// Prelude: a_at, b_at.
// params: batches, m, n, k, and the strides of a (row m, column k, batch) and of b (row k, column n, batch).
const TILE = 32u;
// Vectors of four k for each row of a and each column of b; the fifth is padding: with it, neighbouring rows start in different banks.
const STRIDE = 5u;
var<workgroup> a_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> b_tile: array<vec4<f32>, TILE * STRIDE>;

fn a_or_zero(start: u32, row: u32, k: u32) -> f32 {
  if (row < params.m && k < params.k) { return a_at(start + row * params.a_row + k * params.a_column); }
  return 0.0;
}

fn b_or_zero(start: u32, k: u32, column: u32) -> f32 {
  if (k < params.k && column < params.n) { return b_at(start + k * params.b_row + column * params.b_column); }
  return 0.0;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = id.x + id.y * groups.x;
  let tiles_n = (params.n + TILE - 1u) / TILE;
  let tiles_m = (params.m + TILE - 1u) / TILE;
  let batch = index / (tiles_n * tiles_m);
  if (batch >= params.batches) { return; }
  let row0 = (index / tiles_n % tiles_m) * TILE;
  let column0 = (index % tiles_n) * TILE;
  let a_start = batch * params.a_batch;
  let b_start = batch * params.b_batch;
  let column_lane = local % 8u;
  let row_lane = local / 8u;
  var sums: array<f32, 16>;
  for (var k0 = 0u; k0 < params.k; k0 += 16u) {
    for (var i = local; i < TILE * 4u; i += 64u) {
      let line = i / 4u;
      let k = k0 + (i % 4u) * 4u;
      let at = line * STRIDE + i % 4u;
      let row = row0 + line;
      let column = column0 + line;
      a_tile[at] = vec4<f32>(a_or_zero(a_start, row, k), a_or_zero(a_start, row, k + 1u), a_or_zero(a_start, row, k + 2u), a_or_zero(a_start, row, k + 3u));
      b_tile[at] = vec4<f32>(b_or_zero(b_start, k, column), b_or_zero(b_start, k + 1u, column), b_or_zero(b_start, k + 2u, column), b_or_zero(b_start, k + 3u, column));
    }
    workgroupBarrier();
    for (var k4 = 0u; k4 < 4u; k4++) {
      for (var i = 0u; i < 4u; i++) {
        let left = a_tile[(row_lane + 8u * i) * STRIDE + k4];
        for (var j = 0u; j < 4u; j++) { sums[i * 4u + j] += dot(left, b_tile[(column_lane + 8u * j) * STRIDE + k4]); }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    let row = row0 + row_lane + 8u * i;
    for (var j = 0u; j < 4u; j++) {
      let column = column0 + column_lane + 8u * j;
      if (row < params.m && column < params.n) { y[(batch * params.m + row) * params.n + column] = sums[i * 4u + j]; }
    }
  }
}
