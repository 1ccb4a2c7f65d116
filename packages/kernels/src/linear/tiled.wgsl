// y[M, N] = x[M, K] · weightᵀ: 64 lanes as 8 × 8, each TM tokens × 8 rows, K in steps of TK; the weight is decoded once per tile.
// Workgroup memory: (8·TM + 64) lines × (TK/4 + 1) vec4: 10 KiB for TM = 8 and TK = 16, 14 KiB for TM = 4 and TK = 32. The vec4 beyond TK
// is padding: with it, eight neighbouring lines start in different banks.
// Prelude: TM, TK (a multiple of 8); a weight reader; x4; bias_of and residual_of.
const STRIDE = TK / 4u + 1u;
const CHUNKS = TK / 8u;
var<workgroup> tokens_tile: array<vec4<f32>, 8u * TM * STRIDE>;
var<workgroup> weight_tile: array<vec4<f32>, 64u * STRIDE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row0 = id.x * 64u;
  let token0 = id.y * 8u * TM;
  let row_lane = local % 8u;
  let token_lane = local / 8u;
  // Rows row_lane + 0, 8, 16, 24 and + 32, 40, 48, 56 of the tile, for each token of the lane.
  var low_sums: array<vec4<f32>, TM>;
  var high_sums: array<vec4<f32>, TM>;
  for (var k0 = 0u; k0 < params.columns; k0 += TK) {
    for (var i = local; i < 8u * TM * CHUNKS; i += 64u) {
      let token = token0 + i / CHUNKS;
      let k = k0 + (i % CHUNKS) * 8u;
      let at = (i / CHUNKS) * STRIDE + (i % CHUNKS) * 2u;
      var first = vec4<f32>();
      var second = vec4<f32>();
      if (token < params.tokens) {
        first = x4(token, k);
        second = x4(token, k + 4u);
      }
      tokens_tile[at] = first;
      tokens_tile[at + 1u] = second;
    }
    for (var i = local; i < 64u * CHUNKS; i += 64u) {
      let row = row0 + i / CHUNKS;
      let k = k0 + (i % CHUNKS) * 8u;
      let at = (i / CHUNKS) * STRIDE + (i % CHUNKS) * 2u;
      var first = vec4<f32>();
      var second = vec4<f32>();
      if (row < params.rows && k < params.columns) {
        let scale = scale_of(row, k);
        let codes = codes_of(row, k);
        first = scale.x * codes[0] - scale.y;
        second = scale.x * codes[1] - scale.y;
      }
      weight_tile[at] = first;
      weight_tile[at + 1u] = second;
    }
    workgroupBarrier();
    for (var k4 = 0u; k4 < TK / 4u; k4++) {
      let line = row_lane * STRIDE + k4;
      let w0 = weight_tile[line];
      let w1 = weight_tile[line + 8u * STRIDE];
      let w2 = weight_tile[line + 16u * STRIDE];
      let w3 = weight_tile[line + 24u * STRIDE];
      let w4 = weight_tile[line + 32u * STRIDE];
      let w5 = weight_tile[line + 40u * STRIDE];
      let w6 = weight_tile[line + 48u * STRIDE];
      let w7 = weight_tile[line + 56u * STRIDE];
      for (var i = 0u; i < TM; i++) {
        let token = tokens_tile[(token_lane + 8u * i) * STRIDE + k4];
        low_sums[i] += vec4<f32>(dot(token, w0), dot(token, w1), dot(token, w2), dot(token, w3));
        high_sums[i] += vec4<f32>(dot(token, w4), dot(token, w5), dot(token, w6), dot(token, w7));
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < TM; i++) {
    let token = token0 + token_lane + 8u * i;
    if (token >= params.tokens) { break; }
    for (var j = 0u; j < 8u; j++) {
      let row = row0 + row_lane + 8u * j;
      if (row < params.rows) {
        let at = token * params.rows + row;
        y[at] = select(high_sums[i], low_sums[i], j < 4u)[j % 4u] + bias_of(row) + residual_of(at);
      }
    }
  }
}
