// Reduces over the 8 adjacent lanes with keys of the same four rows: the maximum of each row, and the sum.
// Prelude: partial.
fn row_highest(lane: u32, value: vec4<f32>) -> vec4<f32> {
  partial[lane] = value;
  workgroupBarrier();
  var highest = value;
  for (var j = 0u; j < 8u; j++) { highest = max(highest, partial[lane / 8u * 8u + j]); }
  return highest;
}

fn row_sum(lane: u32, value: vec4<f32>) -> vec4<f32> {
  workgroupBarrier();
  partial[lane] = value;
  workgroupBarrier();
  var sum = vec4<f32>();
  for (var j = 0u; j < 8u; j++) { sum += partial[lane / 8u * 8u + j]; }
  return sum;
}
