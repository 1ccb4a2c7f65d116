// softmax or its logarithm over rows, one workgroup per row.
// Prelude: WORKGROUP, IS_LOG; row-reduce; row-exponentials.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let row = id.x + id.y * groups.x;
  if (row >= params.rows) { return; }
  let start = row * params.width;
  let largest = row_maximum(start, lane);
  let sum = row_exponentials(start, lane, largest);
  let log_sum = log2(sum) * LN_2;
  for (var i = lane; i < params.width; i += WORKGROUP) {
    let shifted = max(x[start + i], LOWEST) - largest;
    if (IS_LOG == 1u) { y[start + i] = shifted - log_sum; } else { y[start + i] = exponential(shifted) / sum; }
  }
}
