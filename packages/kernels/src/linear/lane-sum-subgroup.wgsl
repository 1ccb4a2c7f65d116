// The sum of component r over LANES neighbouring lanes, for the r-th of them (r < 4; others get nothing of use): in subgroups, then, where
// LANES may be more than a subgroup has (IS_WIDE), over the subgroups that share rows.
// Prelude: LANES, WORKGROUP, IS_WIDE; lanes-subgroup. A subgroup has 4 lanes at least.
var<workgroup> partial: array<vec4<f32>, WORKGROUP / 4u>;

fn lane_sum(position: u32, value: vec4<f32>) -> f32 {
  var sum = value;
  for (var distance = 1u; distance < LANES; distance *= 2u) {
    // Values from beyond the subgroup are undefined.
    let other = subgroupShuffleXor(sum, distance);
    sum += select(vec4<f32>(), other, distance < subgroup_width);
  }
  if (IS_WIDE == 1u) {
    if (position % subgroup_width == 0u) { partial[position / subgroup_width] = sum; }
    workgroupBarrier();
    if (LANES > subgroup_width) {
      sum = vec4<f32>();
      let first = position / LANES * LANES;
      for (var i = first; i < first + LANES; i += subgroup_width) { sum += partial[i / subgroup_width]; }
    }
  }
  return sum[position % LANES % 4u];
}
