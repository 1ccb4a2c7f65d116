// The RMSNorm of rows, rounded to 8 bits per `params.block` values and back in f32; one workgroup per row. `round` rounds halves to even.
// Prelude: WORKGROUP; row-reduce; weight_of.
const SMALLEST = 0x1p-100f;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let row = id.x + id.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.width;
  var sum = 0.0;
  for (var i = lane; i < params.width; i += WORKGROUP) { sum += x[begin + i] * x[begin + i]; }
  let factor = inverseSqrt(sum_of_lanes(lane, sum) / f32(params.width) + params.eps);
  for (var start = lane * params.block; start < params.width; start += WORKGROUP * params.block) {
    let end = min(start + params.block, params.width);
    var largest = 0.0;
    for (var i = start; i < end; i++) { largest = max(largest, abs(x[begin + i] * factor * weight_of(i))); }
    let scale = largest / 127.0;
    let inverse = select(127.0 / max(largest, SMALLEST), 0.0, largest < SMALLEST);
    for (var i = start; i < end; i++) { rounded[begin + i] = round(x[begin + i] * factor * weight_of(i) * inverse) * scale; }
  }
}
