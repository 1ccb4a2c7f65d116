// Index of the largest value of a row, the first one among equals; one workgroup per row.
// Prelude: WORKGROUP; row-reduce (whose lanes hold the values).
var<workgroup> lanes_index: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = id.x + id.y * groups.x;
  if (row >= params.rows) { return; }
  let start = row * params.width;
  // A lane without a value repeats the first one: it can only win as what it is.
  var best = select(0u, lane, lane < params.width);
  for (var i = lane; i < params.width; i += WORKGROUP) {
    if (x[start + i] > x[start + best]) { best = i; }
  }
  lanes_f32[lane] = x[start + best];
  lanes_index[lane] = best;
  workgroupBarrier();
  for (var width = WORKGROUP / 2u; width > 0u; width /= 2u) {
    if (lane < width) {
      let value = lanes_f32[lane + width];
      let other = lanes_index[lane + width];
      if (value > lanes_f32[lane] || (value == lanes_f32[lane] && other < lanes_index[lane])) {
        lanes_f32[lane] = value;
        lanes_index[lane] = other;
      }
    }
    workgroupBarrier();
  }
  if (lane == 0u) { index[row] = i32(lanes_index[0]); }
}
