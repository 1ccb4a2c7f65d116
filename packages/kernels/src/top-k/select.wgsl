// The k largest of each segment of a row, in falling order, the lower index first among equals: k rounds, each of which finds the largest
// pair (value, index) that comes after the one found before. One workgroup per segment.
// Prelude: WORKGROUP; row-reduce (whose lanes hold the values); index_of(at).
// params: rows, width (of a row of the source), segment (values per segment), segments (per row), k.
var<workgroup> lanes_index: array<u32, WORKGROUP>;
const NONE = 0xffffffffu;

fn comes_before(value: f32, index: u32, other_value: f32, other_index: u32) -> bool {
  return other_index == NONE || value > other_value || (value == other_value && index < other_index);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = id.x + id.y * groups.x;
  if (group >= params.rows * params.segments) { return; }
  let row = (group / params.segments) * params.width;
  let start = (group % params.segments) * params.segment;
  let end = min(start + params.segment, params.width);
  var last_value = 0.0;
  var last_index = NONE;
  for (var rank = 0u; rank < params.k; rank++) {
    var value = 0.0;
    var best = NONE;
    for (var i = start + lane; i < end; i += WORKGROUP) {
      let candidate = source_values[row + i];
      let index = index_of(row + i, i);
      if (index == NONE) { continue; }
      let is_left = rank == 0u || (last_index != NONE && comes_before(last_value, last_index, candidate, index) && index != last_index);
      if (is_left && comes_before(candidate, index, value, best)) {
        value = candidate;
        best = index;
      }
    }
    lanes_f32[lane] = value;
    lanes_index[lane] = best;
    workgroupBarrier();
    for (var width = WORKGROUP / 2u; width > 0u; width /= 2u) {
      if (lane < width && lanes_index[lane + width] != NONE && comes_before(lanes_f32[lane + width], lanes_index[lane + width], lanes_f32[lane], lanes_index[lane])) {
        lanes_f32[lane] = lanes_f32[lane + width];
        lanes_index[lane] = lanes_index[lane + width];
      }
      workgroupBarrier();
    }
    last_value = lanes_f32[0];
    last_index = lanes_index[0];
    workgroupBarrier();
    // A segment of fewer than k values leaves NONE behind, which the next pass skips.
    if (lane == 0u) {
      chosen_values[group * params.k + rank] = last_value;
      chosen_indices[group * params.k + rank] = last_index;
    }
  }
}
