// The RMSNorm of rows, rounded per `params.block` values and back in f32; one workgroup per row.
// Prelude: WORKGROUP; row-reduce; rounding; weight_of.

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let row = id.x + id.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.width;
  var sum = 0.0;
  for (var i = lane; i < params.width; i += WORKGROUP) { sum += x[begin + i] * x[begin + i]; }
  let factor = inverseSqrt(sum_of_lanes(lane, sum) / f32(params.width) + params.eps);
  for (var start = lane * params.block; start < params.width; start += WORKGROUP * params.block) {
    let end = min(start + params.block, params.width);
    var largest = 0.0;
    if (IS_GIVEN == 0u) { for (var i = start; i < end; i++) { largest = max(largest, abs(x[begin + i] * factor * weight_of(i))); } }
    let scale = block_scale(largest);
    let inverse = block_inverse(largest);
    for (var i = start; i < end; i++) { rounded[begin + i] = code_of(x[begin + i] * factor * weight_of(i), inverse) * scale; }
  }
}
