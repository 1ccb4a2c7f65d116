// State of a query row for the other passes: x is its LSE in units of log2 e, DEAD if it sees no key; y is D = do · o − dlse.
// Prelude: g (do), r (o), lse as bits, dlse_of, row_state.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = 64u * (id.x + id.y * groups.x) + lane;
  if (index >= params.rows) { return; }
  let row = index % params.seq_q;
  let head = (index / params.seq_q) % params.heads;
  let batch = index / (params.seq_q * params.heads);
  let bits = lse[index];
  // As bits, because WGSL implementations may assume that infinities do not occur.
  if (bits == 0xff800000u) {
    row_state[index] = vec2<f32>(DEAD, 0.0);
    return;
  }
  var sum = -dlse_of(index);
  for (var chunk = 0u; chunk < VALUE_CHUNKS; chunk++) { sum += dot(g4(g_at(batch, head, row), chunk), r4(r_at(batch, head, row), chunk)); }
  row_state[index] = vec2<f32>(bitcast<f32>(bits) * 1.4426950408889634, sum);
}
