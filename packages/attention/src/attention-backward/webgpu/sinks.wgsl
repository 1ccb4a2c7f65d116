// dsinks[h] = −Σ e^(sink − lse) · D over all rows of the head; one workgroup a head.
// Prelude: sink_of, is_visible, row_state, dsinks.
var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = id.x + id.y * groups.x;
  if (head >= params.heads) { return; }
  let sink = sink_of(head);
  var sum = 0.0;
  for (var batch = 0u; batch < params.batches; batch++) {
    for (var row = lane; row < params.seq_q; row += 64u) {
      let state = row_state[(batch * params.heads + head) * params.seq_q + row];
      if (is_visible(sink) && state.x < DEAD) { sum -= exp2(sink - state.x) * state.y; }
    }
  }
  partial[lane] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partial[lane] += partial[lane + half]; }
  }
  if (lane == 0u) { dsinks[head] = partial[0]; }
}
