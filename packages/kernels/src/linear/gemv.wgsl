// y[M, N] = x[M, K] · weightᵀ for few tokens M: LANES neighbouring lanes share a weight row, so that each weight is read once for all tokens.
// Prelude: M, GROUP, HAS_MINIMUM, LANES, WORKGROUP; a weight reader; x4; bias_of and residual_of.
const ROWS_PER_WORKGROUP = WORKGROUP / LANES;

// partial[m * WORKGROUP + lane]
var<workgroup> partial: array<f32, M * WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = (id.x + id.y * groups.x) * ROWS_PER_WORKGROUP + local / LANES;
  let lane = local % LANES;
  var sums: array<f32, M>;
  if (row < params.rows) {
    for (var k = lane * GROUP; k < params.columns; k += LANES * GROUP) {
      // Zeros by name: without them an array declared in a loop kept its values from round to round on SwiftShader.
      var products = array<f32, M>();
      var inputs = array<f32, M>();
      for (var i = 0u; i < GROUP; i += 8u) {
        let codes = codes_of(row, k + i);
        for (var m = 0u; m < M; m++) {
          let first = x4(m, k + i);
          let second = x4(m, k + i + 4u);
          products[m] += dot(codes[0], first) + dot(codes[1], second);
          if (HAS_MINIMUM == 1u) { inputs[m] += dot(first + second, vec4<f32>(1.0)); }
        }
      }
      let scale = scale_of(row, k);
      for (var m = 0u; m < M; m++) { sums[m] += scale.x * products[m] - scale.y * inputs[m]; }
    }
  }
  for (var m = 0u; m < M; m++) { partial[m * WORKGROUP + local] = sums[m]; }
  workgroupBarrier();
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    if (lane < width) {
      for (var m = 0u; m < M; m++) { partial[m * WORKGROUP + local] += partial[m * WORKGROUP + local + width]; }
    }
    workgroupBarrier();
  }
  if (lane == 0u && row < params.rows) {
    for (var m = 0u; m < M; m++) {
      let at = m * params.rows + row;
      y[at] = partial[m * WORKGROUP + local] + bias_of(row) + residual_of(at);
    }
  }
}
