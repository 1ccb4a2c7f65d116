// y[N] = x[K] · weightᵀ: LANES neighbouring lanes share ROWS weight rows.
// Prelude: ROWS, LANES, WORKGROUP; Invocation, position_of, lane_sum; sums_of; bias_of and residual_of.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let position = position_of(invocation);
  let lane = position % LANES;
  let row0 = ((id.x + id.y * groups.x) * (WORKGROUP / LANES) + position / LANES) * ROWS;
  let sum = lane_sum(position, sums_of(row0, lane));
  let row = row0 + lane;
  if (lane < ROWS && row < params.rows) { y[row] = sum + bias_of(row) + residual_of(row); }
}
