// y[M, N] = x[M, K] · weightᵀ by products of matrices: a workgroup has TILE tokens and TILE rows, a subgroup strips of M tokens. The
// weight is decoded once per tile.
// Prelude: matrices; TILE, STRIPS, STRIPS_EACH; a weight reader; x4; bias_of and residual_of.
const LANES = 128u;
const COLUMNS = 32u;
const CHUNKS = COLUMNS / 8u;
// Rows begin on 16 bytes, and in different banks.
const STRIDE = COLUMNS + 8u;
const TOKEN_PART = TILE * STRIDE;
const WEIGHTS = PARTS * TOKEN_PART;
const RESULT_STRIDE = TILE + 4u;
const TOKEN_LANES = LANES / TILE;
const ROW_MATRICES = TILE / N;

var<workgroup> partial: array<f32, LANES>;
// Divisor of each token.
var<workgroup> token_scales: array<f32, TILE>;

fn stage4(at: u32, value: vec4<f32>, part: u32) {
  for (var c = 0u; c < 4u; c++) { components[at + c] = part_of(value[c], part); }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3<u32>, invocation: Invocation) {
  let lane = invocation.lane;
  let subgroup = subgroup_of(invocation);
  let subgroups = subgroups_of(invocation);
  let row0 = id.x * TILE;
  let token0 = id.y * TILE;

  if (PARTS > 1u) {
    let token = min(token0 + lane / TOKEN_LANES, params.tokens - 1u);
    var largest = 0.0;
    for (var k = 4u * (lane % TOKEN_LANES); k < params.columns; k += 4u * TOKEN_LANES) {
      let value = abs(x4(token, k));
      largest = max(largest, max(max(value.x, value.y), max(value.z, value.w)));
    }
    partial[lane] = largest;
    workgroupBarrier();
    if (lane < TILE) {
      largest = 0.0;
      for (var i = 0u; i < TOKEN_LANES; i++) { largest = max(largest, partial[lane * TOKEN_LANES + i]); }
      token_scales[lane] = scale_for(largest);
    }
  } else if (lane < TILE) {
    token_scales[lane] = 1.0;
  }

  var sums: array<array<Result, ROW_MATRICES>, STRIPS_EACH>;
  for (var i = 0u; i < STRIPS_EACH; i++) {
    for (var n = 0u; n < ROW_MATRICES; n++) { sums[i][n] = zero_result(); }
  }
  for (var k0 = 0u; k0 < params.columns; k0 += COLUMNS) {
    workgroupBarrier();
    for (var i = lane; i < TILE * CHUNKS; i += LANES) {
      let line = i / CHUNKS;
      let k = k0 + (i % CHUNKS) * 8u;
      let at = line * STRIDE + (i % CHUNKS) * 8u;
      var first = vec4<f32>();
      var second = vec4<f32>();
      if (token0 + line < params.tokens) {
        first = x4(token0 + line, k) / token_scales[line];
        second = x4(token0 + line, k + 4u) / token_scales[line];
      }
      for (var part = 0u; part < PARTS; part++) {
        stage4(part * TOKEN_PART + at, first, part);
        stage4(part * TOKEN_PART + at + 4u, second, part);
      }
      first = vec4<f32>();
      second = vec4<f32>();
      if (row0 + line < params.rows && k < params.columns) {
        let scale = scale_of(row0 + line, k);
        let codes = codes_of(row0 + line, k);
        first = scale.x * codes[0] - scale.y;
        second = scale.x * codes[1] - scale.y;
      }
      stage4(WEIGHTS + at, first, 0u);
      stage4(WEIGHTS + at + 4u, second, 0u);
    }
    workgroupBarrier();
    for (var i = 0u; i < STRIPS_EACH; i++) {
      let strip = subgroup + i * subgroups;
      if (strip >= STRIPS) { break; }
      for (var k = 0u; k < COLUMNS; k += K) {
        for (var part = 0u; part < PARTS; part++) {
          let tokens = left_at(part * TOKEN_PART + strip * M * STRIDE + k, STRIDE);
          for (var n = 0u; n < ROW_MATRICES; n++) { sums[i][n] = add_product(tokens, transposed_right_at(WEIGHTS + n * N * STRIDE + k, STRIDE), sums[i][n]); }
        }
      }
    }
  }

  for (var i = 0u; i < STRIPS_EACH; i++) {
    let strip = subgroup + i * subgroups;
    if (strip >= STRIPS) { break; }
    for (var n = 0u; n < ROW_MATRICES; n++) { store_result(strip * M * RESULT_STRIDE + n * N, RESULT_STRIDE, sums[i][n]); }
  }
  workgroupBarrier();
  for (var i = lane; i < TILE * TILE; i += LANES) {
    let token = token0 + i / TILE;
    let row = row0 + i % TILE;
    if (token < params.tokens && row < params.rows) {
      let at = token * params.rows + row;
      y[at] = results[(i / TILE) * RESULT_STRIDE + i % TILE] * token_scales[i / TILE] + bias_of(row) + residual_of(at);
    }
  }
}
