// y = x · rsqrt(mean(x²) + eps) · weight + what is added, over rows; one workgroup per row.
// Prelude: WORKGROUP; row-reduce; value_at (x, or x + residual, which it also stores), stored_at, weight_of, added_at.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let row = id.x + id.y * groups.x;
  if (row >= params.rows) { return; }
  let start = row * params.width;
  var squares = 0.0;
  for (var i = lane; i < params.width; i += WORKGROUP) {
    let value = value_at(start + i);
    squares += value * value;
  }
  let mean = sum_of_lanes(lane, squares) / f32(params.width);
  let scale = inverseSqrt(mean + params.eps);
  // Each lane reads back only what it stored itself.
  for (var i = lane; i < params.width; i += WORKGROUP) { y[start + i] = stored_at(start + i) * scale * weight_of(i) + added_at(start + i); }
}
