// y = (x − mean) · rsqrt(variance + eps) · weight + bias over rows; the variance from the differences, not from squares, which cancel.
// Prelude: WORKGROUP; row-reduce; weight_of, bias_of.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let row = id.x + id.y * groups.x;
  if (row >= params.rows) { return; }
  let start = row * params.width;
  var sum = 0.0;
  for (var i = lane; i < params.width; i += WORKGROUP) { sum += x[start + i]; }
  let mean = sum_of_lanes(lane, sum) / f32(params.width);
  var squares = 0.0;
  for (var i = lane; i < params.width; i += WORKGROUP) {
    let difference = x[start + i] - mean;
    squares += difference * difference;
  }
  let scale = inverseSqrt(sum_of_lanes(lane, squares) / f32(params.width) + params.eps);
  for (var i = lane; i < params.width; i += WORKGROUP) { y[start + i] = (x[start + i] - mean) * scale * weight_of(i) + bias_of(i); }
}
