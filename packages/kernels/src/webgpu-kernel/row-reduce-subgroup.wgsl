// Sums and maxima over the WORKGROUP lanes of a workgroup, first in each subgroup; every lane gets the result.
// Prelude: WORKGROUP; lanes-subgroup. A subgroup has 4 lanes at least.
var<workgroup> of_subgroups: array<f32, WORKGROUP / 4u>;

fn sum_of_lanes(lane: u32, value: f32) -> f32 {
  let own = subgroupAdd(value);
  if (lane % subgroup_width == 0u) { of_subgroups[lane / subgroup_width] = own; }
  workgroupBarrier();
  var sum = 0.0;
  for (var first = 0u; first < WORKGROUP; first += subgroup_width) { sum += of_subgroups[first / subgroup_width]; }
  workgroupBarrier();
  return sum;
}

fn max_of_lanes(lane: u32, value: f32) -> f32 {
  let own = subgroupMax(value);
  if (lane % subgroup_width == 0u) { of_subgroups[lane / subgroup_width] = own; }
  workgroupBarrier();
  var largest = own;
  for (var first = 0u; first < WORKGROUP; first += subgroup_width) { largest = max(largest, of_subgroups[first / subgroup_width]); }
  workgroupBarrier();
  return largest;
}
