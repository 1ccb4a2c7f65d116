// Turns the scores of a row into weights that sum to 1 (less what the sink takes), in place; writes the LSE. One workgroup a row.
// Prelude: scores; lse; span_of, sink_of.
var<workgroup> partial: array<f32, 64>;

fn highest_of_lanes(lane: u32, value: f32) -> f32 {
  partial[lane] = value;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partial[lane] = max(partial[lane], partial[lane + half]); }
  }
  workgroupBarrier();
  return partial[0];
}

fn sum_of_lanes(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  partial[lane] = value;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partial[lane] += partial[lane + half]; }
  }
  workgroupBarrier();
  return partial[0];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let row = index % params.seq_q;
  let head = (index / params.seq_q) % params.heads;
  let batch = index / (params.seq_q * params.heads);
  let at = score_at(batch, head, row);
  let span = span_of(batch, row);
  let sink = sink_of(head);

  var top = sink;
  for (var key = span.first + i32(lane); key < span.end; key += 64) { top = max(top, scores[at + u32(key)]); }
  let m = highest_of_lanes(lane, top);
  var sum = 0.0;
  for (var key = span.first + i32(lane); key < span.end; key += 64) {
    let score = scores[at + u32(key)];
    let weight = select(0.0, exp2(score - m), is_visible(score));
    scores[at + u32(key)] = weight;
    sum += weight;
  }
  let l = sum_of_lanes(lane, sum) + select(0.0, exp2(sink - m), is_visible(sink));
  let share = select(0.0, 1.0 / l, l > 0.0);
  // Each lane reads back only what it stored itself.
  for (var key = span.first + i32(lane); key < span.end; key += 64) { scores[at + u32(key)] *= share; }
  if (lane == 0u) { store_lse(batch, head, row, m, l); }
}
