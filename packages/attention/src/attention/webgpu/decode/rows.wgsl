// Reduces over the 64 lanes, each with a value of every row: the maximum and the sum of each row, in of_rows for all lanes.
// Prelude: ROWS4; stage, partial, of_rows.

// Each lane reduces some keys of 4 rows, then one lane reduces 4 rows.
fn store_highest(lane: u32, scores: array<vec4<f32>, ROWS4>) {
  var own = scores;
  for (var i = 0u; i < ROWS4; i++) { stage[lane * ROWS4 + i] = own[i]; }
  workgroupBarrier();
  var highest = vec4<f32>(MASKED);
  for (var key = lane / ROWS4; key < 64u; key += 64u / ROWS4) { highest = max(highest, stage[key * ROWS4 + lane % ROWS4]); }
  partial[lane] = highest;
  workgroupBarrier();
  if (lane < ROWS4) {
    for (var i = lane; i < 64u; i += ROWS4) { highest = max(highest, partial[i]); }
    of_rows[lane] = highest;
  }
  workgroupBarrier();
}

fn store_sums(lane: u32, values: array<vec4<f32>, ROWS4>) {
  var own = values;
  for (var i = 0u; i < ROWS4; i++) { stage[i * 64u + lane] = own[i]; }
  workgroupBarrier();
  if (lane < ROWS4) {
    var sum = vec4<f32>();
    for (var i = 0u; i < 64u; i++) { sum += stage[lane * 64u + i]; }
    of_rows[lane] = sum;
  }
}
