// As rows.wgsl, but first within subgroups, so that memory gets one value per subgroup instead of one per lane.
// Prelude: ROWS4; stage, of_rows; lanes-subgroup. A subgroup has 4 lanes at least.

fn store_highest(lane: u32, scores: array<vec4<f32>, ROWS4>) {
  var own = scores;
  for (var i = 0u; i < ROWS4; i++) {
    let highest = subgroupMax(own[i]);
    if (lane % subgroup_width == 0u) { stage[(lane / subgroup_width) * ROWS4 + i] = highest; }
  }
  workgroupBarrier();
  if (lane < ROWS4) {
    var highest = vec4<f32>(MASKED);
    for (var first = 0u; first < 64u; first += subgroup_width) { highest = max(highest, stage[(first / subgroup_width) * ROWS4 + lane]); }
    of_rows[lane] = highest;
  }
  workgroupBarrier();
}

fn store_sums(lane: u32, values: array<vec4<f32>, ROWS4>) {
  var own = values;
  for (var i = 0u; i < ROWS4; i++) {
    let sum = subgroupAdd(own[i]);
    if (lane % subgroup_width == 0u) { stage[(lane / subgroup_width) * ROWS4 + i] = sum; }
  }
  workgroupBarrier();
  if (lane < ROWS4) {
    var sum = vec4<f32>();
    for (var first = 0u; first < 64u; first += subgroup_width) { sum += stage[(first / subgroup_width) * ROWS4 + lane]; }
    of_rows[lane] = sum;
  }
}
