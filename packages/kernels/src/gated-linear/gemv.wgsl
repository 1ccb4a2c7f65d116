// y[N] = activation(x · gateᵀ) · (x · upᵀ) of one token: LANES neighbouring lanes share ROWS rows of both weights.
// Prelude: ROWS, LANES, WORKGROUP; Invocation, position_of, gate_lane_sum, up_lane_sum, norm_factor; gate_sums_of, up_sums_of; activate.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let position = position_of(invocation);
  let lane = position % LANES;
  let row0 = ((id.x + id.y * groups.x) * (WORKGROUP / LANES) + position / LANES) * ROWS;
  let gate = gate_lane_sum(position, gate_sums_of(row0, lane));
  let up = up_lane_sum(position, up_sums_of(row0, lane));
  let factor = norm_factor(position);
  let row = row0 + lane;
  if (lane < ROWS && row < params.gate_rows) { y[row] = activate(gate * factor) * (up * factor); }
}
