// The same as row-lanes.wgsl within a subgroup; where that may have 4 lanes only (IS_WIDE), its two halves meet in memory.
// Prelude: IS_WIDE; partial; lanes-subgroup.
fn row_highest(lane: u32, value: vec4<f32>) -> vec4<f32> {
  var highest = value;
  for (var distance = 1u; distance < 8u; distance *= 2u) {
    // Values from beyond the subgroup are undefined.
    let other = subgroupShuffleXor(highest, distance);
    highest = select(highest, max(highest, other), distance < subgroup_width);
  }
  if (IS_WIDE == 1u) {
    partial[lane] = highest;
    workgroupBarrier();
    highest = max(highest, partial[lane ^ 4u]);
  }
  return highest;
}

fn row_sum(lane: u32, value: vec4<f32>) -> vec4<f32> {
  var sum = value;
  for (var distance = 1u; distance < 8u; distance *= 2u) {
    let other = subgroupShuffleXor(sum, distance);
    sum += select(vec4<f32>(), other, distance < subgroup_width);
  }
  if (IS_WIDE == 1u) {
    workgroupBarrier();
    partial[lane] = sum;
    workgroupBarrier();
    if (subgroup_width < 8u) { sum += partial[lane ^ 4u]; }
  }
  return sum;
}
