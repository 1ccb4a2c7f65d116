// y[M, N] = x[M, K] · weightᵀ for 2 to 8 tokens: LANES neighbouring lanes share a weight row, so that each weight is read once for all.
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
  // One barrier and one short sum for each output: a tree of barriers costs more where subgroups are small.
  if (row >= params.rows) { return; }
  for (var m = lane; m < M; m += LANES) {
    let first = m * WORKGROUP + local - lane;
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) { sum += partial[first + i]; }
    let at = m * params.rows + row;
    y[at] = sum + bias_of(row) + residual_of(at);
  }
}
