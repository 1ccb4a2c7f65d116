// y[M, N] = x[M, K] · weightᵀ: 64 lanes as 8 × 8, each TM × TN outputs, K in steps of 16; the weight is decoded once per tile.
// Workgroup memory: (8·TM + 8·TN) rows × 5 vec4 = 10 KiB of 16 KiB for TM = TN = 8. The fifth vec4 of a row is padding: with it, eight
// neighbouring rows start in different banks.
// Prelude: TM, TN; a weight reader; x4; bias_of and residual_of.
const STRIDE = 5u;
var<workgroup> tokens_tile: array<vec4<f32>, 8 * TM * STRIDE>;
var<workgroup> weight_tile: array<vec4<f32>, 8 * TN * STRIDE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row0 = id.x * 8u * TN;
  let token0 = id.y * 8u * TM;
  let column_lane = local % 8u;
  let token_lane = local / 8u;
  var sums: array<f32, TM * TN>;
  for (var k0 = 0u; k0 < params.columns; k0 += 16u) {
    for (var i = local; i < 16u * TM; i += 64u) {
      let token = token0 + i / 2u;
      let k = k0 + (i % 2u) * 8u;
      let at = (i / 2u) * STRIDE + (i % 2u) * 2u;
      var values = array<vec4<f32>, 2>();
      if (token < params.tokens) { values = array<vec4<f32>, 2>(x4(token, k), x4(token, k + 4u)); }
      tokens_tile[at] = values[0];
      tokens_tile[at + 1u] = values[1];
    }
    for (var i = local; i < 16u * TN; i += 64u) {
      let row = row0 + i / 2u;
      let k = k0 + (i % 2u) * 8u;
      let at = (i / 2u) * STRIDE + (i % 2u) * 2u;
      var values = array<vec4<f32>, 2>();
      if (row < params.rows) {
        let scale = scale_of(row, k);
        values = codes_of(row, k);
        values[0] = scale.x * values[0] - scale.y;
        values[1] = scale.x * values[1] - scale.y;
      }
      weight_tile[at] = values[0];
      weight_tile[at + 1u] = values[1];
    }
    workgroupBarrier();
    for (var k4 = 0u; k4 < 4u; k4++) {
      var weights: array<vec4<f32>, TN>;
      for (var j = 0u; j < TN; j++) { weights[j] = weight_tile[(column_lane + 8u * j) * STRIDE + k4]; }
      for (var i = 0u; i < TM; i++) {
        let token = tokens_tile[(token_lane + 8u * i) * STRIDE + k4];
        for (var j = 0u; j < TN; j++) { sums[i * TN + j] += dot(token, weights[j]); }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < TM; i++) {
    let token = token0 + token_lane + 8u * i;
    if (token >= params.tokens) { break; }
    for (var j = 0u; j < TN; j++) {
      let row = row0 + column_lane + 8u * j;
      if (row < params.rows) {
        let at = token * params.rows + row;
        y[at] = sums[i * TN + j] + bias_of(row) + residual_of(at);
      }
    }
  }
}
