// Sums and maxima over the WORKGROUP lanes of a workgroup; every lane gets the result. WORKGROUP is a power of two.
var<workgroup> lanes_f32: array<f32, WORKGROUP>;

fn sum_of_lanes(lane: u32, value: f32) -> f32 {
  lanes_f32[lane] = value;
  workgroupBarrier();
  for (var width = WORKGROUP / 2u; width > 0u; width /= 2u) {
    if (lane < width) { lanes_f32[lane] += lanes_f32[lane + width]; }
    workgroupBarrier();
  }
  let sum = lanes_f32[0];
  workgroupBarrier();
  return sum;
}

fn max_of_lanes(lane: u32, value: f32) -> f32 {
  lanes_f32[lane] = value;
  workgroupBarrier();
  for (var width = WORKGROUP / 2u; width > 0u; width /= 2u) {
    if (lane < width) { lanes_f32[lane] = max(lanes_f32[lane], lanes_f32[lane + width]); }
    workgroupBarrier();
  }
  let largest = lanes_f32[0];
  workgroupBarrier();
  return largest;
}
