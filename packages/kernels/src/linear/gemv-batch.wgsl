// y[M, N] = x[M, K] · weightᵀ for 2 to 8 tokens: LANES neighbouring lanes share ROWS weight rows (1, 2 or 4), so that each weight is read
// once for all tokens, and each vector of x once for all of these rows.
// Prelude: M, ROWS, GROUP, HAS_MINIMUM, LANES, WORKGROUP; a weight reader; x4; bias_of and residual_of.

// One component per row; partial[m * WORKGROUP + lane].
var<workgroup> partial: array<vec4<f32>, M * WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row0 = ((id.x + id.y * groups.x) * (WORKGROUP / LANES) + local / LANES) * ROWS;
  let lane = local % LANES;
  // Rows that are not there repeat the last one and are not stored.
  let row1 = min(row0 + 1u, params.rows - 1u);
  let row2 = min(row0 + 2u, params.rows - 1u);
  let row3 = min(row0 + 3u, params.rows - 1u);
  var sums: array<vec4<f32>, M>;
  if (row0 < params.rows) {
    for (var k = lane * GROUP; k < params.columns; k += LANES * GROUP) {
      // Zeros by name: without them an array declared in a loop kept its values from round to round on SwiftShader.
      var products = array<vec4<f32>, M>();
      var inputs = array<f32, M>();
      for (var i = k; i < k + GROUP; i += 8u) {
        let codes0 = codes_of(row0, i);
        var codes1 = codes0;
        var codes2 = codes0;
        var codes3 = codes0;
        if (ROWS > 1u) { codes1 = codes_of(row1, i); }
        if (ROWS > 2u) {
          codes2 = codes_of(row2, i);
          codes3 = codes_of(row3, i);
        }
        for (var m = 0u; m < M; m++) {
          let first = x4(m, i);
          let second = x4(m, i + 4u);
          var product = vec4<f32>(dot(codes0[0], first) + dot(codes0[1], second), 0.0, 0.0, 0.0);
          if (ROWS > 1u) { product.y = dot(codes1[0], first) + dot(codes1[1], second); }
          if (ROWS > 2u) {
            product.z = dot(codes2[0], first) + dot(codes2[1], second);
            product.w = dot(codes3[0], first) + dot(codes3[1], second);
          }
          products[m] += product;
          if (HAS_MINIMUM == 1u) { inputs[m] += dot(first + second, vec4<f32>(1.0)); }
        }
      }
      let scale0 = scale_of(row0, k);
      var scales = vec4<f32>(scale0.x, 0.0, 0.0, 0.0);
      var minimums = vec4<f32>(scale0.y, 0.0, 0.0, 0.0);
      if (ROWS > 1u) {
        let scale1 = scale_of(row1, k);
        scales.y = scale1.x;
        minimums.y = scale1.y;
      }
      if (ROWS > 2u) {
        let scale2 = scale_of(row2, k);
        let scale3 = scale_of(row3, k);
        scales = vec4<f32>(scales.xy, scale2.x, scale3.x);
        minimums = vec4<f32>(minimums.xy, scale2.y, scale3.y);
      }
      for (var m = 0u; m < M; m++) { sums[m] += scales * products[m] - minimums * inputs[m]; }
    }
  }
  for (var m = 0u; m < M; m++) { partial[m * WORKGROUP + local] = sums[m]; }
  workgroupBarrier();
  for (var output = lane; output < M * ROWS; output += LANES) {
    let m = output / ROWS;
    let row = row0 + output % ROWS;
    if (row >= params.rows) { continue; }
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) { sum += partial[m * WORKGROUP + local - lane + i][output % ROWS]; }
    let at = m * params.rows + row;
    y[at] = sum + bias_of(row) + residual_of(at);
  }
}
