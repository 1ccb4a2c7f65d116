// y[N] = activation(x · gateᵀ) · (x · upᵀ) of one token: LANES neighbouring lanes share ROWS rows of both weights.
// Prelude: ROWS, LANES, WORKGROUP; Invocation, position_of, gate_lane_sum, up_lane_sum, norm_factor; gate_sums_of, up_sums_of; activate.
@compute @workgroup_size(WORKGROUP)
fn main(invocation: Invocation) {
  let position = position_of(invocation);
  let lane = position % LANES;
  let row0 = ((invocation.id.x + invocation.id.y * invocation.groups.x) * (WORKGROUP / LANES) + position / LANES) * ROWS;
  let gate = gate_lane_sum(invocation, gate_sums_of(row0, lane));
  let up = up_lane_sum(invocation, up_sums_of(row0, lane));
  let factor = norm_factor(invocation);
  let row = row0 + lane;
  if (lane < ROWS && row < params.gate_rows) { y[row] = activate(gate * factor) * (up * factor); }
}
