// The sum of component r over LANES neighbouring lanes, for the r-th of them (r < 4; others get nothing of use).
// One barrier and one short sum for each output: a tree of barriers costs more where subgroups are small.
var<workgroup> partial: array<vec4<f32>, WORKGROUP>;

fn lane_sum(position: u32, value: vec4<f32>) -> f32 {
  partial[position] = value;
  workgroupBarrier();
  let r = position % LANES;
  var sum = 0.0;
  if (r < 4u) {
    for (var i = 0u; i < LANES; i++) { sum += partial[position - r + i][r]; }
  }
  return sum;
}
