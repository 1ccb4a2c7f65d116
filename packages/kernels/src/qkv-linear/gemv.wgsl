// q, k and v of one token: a workgroup has rows of one of the three weights; LANES neighbouring lanes share ROWS of them.
// Prelude: ROWS, LANES, WORKGROUP; Invocation, position_of, lane_sum, norm_factor; query_sums_of, query_bias_of, and the same for key and value.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let position = position_of(invocation);
  let lane = position % LANES;
  var group = id.x + id.y * groups.x;
  let is_query = group < params.query_groups;
  if (!is_query) { group -= params.query_groups; }
  let is_key = !is_query && group < params.key_groups;
  if (!is_query && !is_key) { group -= params.key_groups; }
  let row0 = (group * (WORKGROUP / LANES) + position / LANES) * ROWS;
  var sums: vec4<f32>;
  if (is_query) { sums = query_sums_of(row0, lane); } else if (is_key) { sums = key_sums_of(row0, lane); } else { sums = value_sums_of(row0, lane); }
  let sum = lane_sum(position, sums) * norm_factor(position);
  let row = row0 + lane;
  if (lane >= ROWS) { return; }
  if (is_query) {
    if (row < params.query_rows) { q[row] = sum + query_bias_of(row); }
  } else if (is_key) {
    if (row < params.key_rows) { k[row] = sum + key_bias_of(row); }
  } else if (row < params.value_rows) { v[row] = sum + value_bias_of(row); }
}
