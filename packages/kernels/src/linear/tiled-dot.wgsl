// y[M, N] = x[M, K] · weightᵀ in products of 8-bit codes: 64 lanes as 8 × 8, each TM tokens × 8 rows, K in steps of STEP (16 or 32), after
// each of which the integer sums are scaled. Workgroup memory: (8·TM + 64) lines of STEP/4 words and one more, so that neighbouring lines
// start in different banks, and a scale and a minimum or sum for each: 5.5 KiB at most.
// Prelude: TM, STEP, HAS_MINIMUM; a weight reader with packed codes; x_codes_of, x_scale_of; bias_of and residual_of.
const WORDS = STEP / 4u;
const STRIDE = WORDS + 1u;
const CHUNKS = STEP / 8u;
var<workgroup> tokens_tile: array<u32, 8u * TM * STRIDE>;
var<workgroup> tokens_scale: array<vec2<f32>, 8u * TM>;
var<workgroup> weight_tile: array<u32, 64u * STRIDE>;
var<workgroup> weight_scale: array<vec2<f32>, 64u>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row0 = id.x * 64u;
  let token0 = id.y * 8u * TM;
  let row_lane = local % 8u;
  let token_lane = local / 8u;
  // Rows row_lane + 0, 8, 16, 24 and + 32, 40, 48, 56 of the tile, for each token of the lane.
  var low_sums: array<vec4<f32>, TM>;
  var high_sums: array<vec4<f32>, TM>;
  for (var k0 = 0u; k0 < params.columns; k0 += STEP) {
    for (var i = local; i < 8u * TM * CHUNKS; i += 64u) {
      let line = i / CHUNKS;
      let chunk = i % CHUNKS;
      var codes = vec2<u32>();
      var scale = vec2<f32>();
      if (token0 + line < params.tokens) {
        codes = x_codes_of(token0 + line, k0 + 8u * chunk);
        scale = x_scale_of(token0 + line, k0);
        if (STEP == 32u) { scale.y += x_scale_of(token0 + line, k0 + 16u).y; }
      }
      tokens_tile[line * STRIDE + 2u * chunk] = codes.x;
      tokens_tile[line * STRIDE + 2u * chunk + 1u] = codes.y;
      if (chunk == 0u) { tokens_scale[line] = scale; }
    }
    for (var i = local; i < 64u * CHUNKS; i += 64u) {
      let line = i / CHUNKS;
      let chunk = i % CHUNKS;
      let k = k0 + 8u * chunk;
      var codes = vec2<u32>();
      var scale = vec2<f32>();
      if (row0 + line < params.rows && k < params.columns) {
        codes = packed_codes_of(row0 + line, k);
        scale = packed_scale_of(row0 + line, k);
      }
      weight_tile[line * STRIDE + 2u * chunk] = codes.x;
      weight_tile[line * STRIDE + 2u * chunk + 1u] = codes.y;
      if (chunk == 0u) { weight_scale[line] = scale; }
    }
    workgroupBarrier();
    // Zeros by name, as in gemv-batch.wgsl.
    var low = array<vec4<i32>, TM>();
    var high = array<vec4<i32>, TM>();
    for (var word = 0u; word < WORDS; word++) {
      let line = row_lane * STRIDE + word;
      let w0 = weight_tile[line];
      let w1 = weight_tile[line + 8u * STRIDE];
      let w2 = weight_tile[line + 16u * STRIDE];
      let w3 = weight_tile[line + 24u * STRIDE];
      let w4 = weight_tile[line + 32u * STRIDE];
      let w5 = weight_tile[line + 40u * STRIDE];
      let w6 = weight_tile[line + 48u * STRIDE];
      let w7 = weight_tile[line + 56u * STRIDE];
      for (var i = 0u; i < TM; i++) {
        let token = tokens_tile[(token_lane + 8u * i) * STRIDE + word];
        low[i] += vec4<i32>(dot4I8Packed(token, w0), dot4I8Packed(token, w1), dot4I8Packed(token, w2), dot4I8Packed(token, w3));
        high[i] += vec4<i32>(dot4I8Packed(token, w4), dot4I8Packed(token, w5), dot4I8Packed(token, w6), dot4I8Packed(token, w7));
      }
    }
    let s0 = weight_scale[row_lane];
    let s1 = weight_scale[row_lane + 8u];
    let s2 = weight_scale[row_lane + 16u];
    let s3 = weight_scale[row_lane + 24u];
    let s4 = weight_scale[row_lane + 32u];
    let s5 = weight_scale[row_lane + 40u];
    let s6 = weight_scale[row_lane + 48u];
    let s7 = weight_scale[row_lane + 56u];
    for (var i = 0u; i < TM; i++) {
      let scale = tokens_scale[token_lane + 8u * i];
      var low_scaled = vec4<f32>(s0.x, s1.x, s2.x, s3.x) * vec4<f32>(low[i]);
      var high_scaled = vec4<f32>(s4.x, s5.x, s6.x, s7.x) * vec4<f32>(high[i]);
      if (HAS_MINIMUM == 1u) {
        low_scaled -= vec4<f32>(s0.y, s1.y, s2.y, s3.y) * scale.y;
        high_scaled -= vec4<f32>(s4.y, s5.y, s6.y, s7.y) * scale.y;
      }
      low_sums[i] += scale.x * low_scaled;
      high_sums[i] += scale.x * high_scaled;
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
