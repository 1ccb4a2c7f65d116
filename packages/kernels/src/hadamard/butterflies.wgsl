// One workgroup per block: sums and differences of values 1, 2, 4 … apart, in workgroup memory.
// Prelude: BLOCK, WORKGROUP. params: blocks, scale.
var<workgroup> values: array<f32, BLOCK>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let block = id.x + id.y * groups.x;
  if (block >= params.blocks) { return; }
  let start = block * BLOCK;
  for (var i = lane; i < BLOCK; i += WORKGROUP) { values[i] = x[start + i]; }
  workgroupBarrier();
  for (var apart = 1u; apart < BLOCK; apart *= 2u) {
    for (var pair = lane; pair < BLOCK / 2u; pair += WORKGROUP) {
      let first = 2u * pair - (pair & (apart - 1u));
      let a = values[first];
      let b = values[first + apart];
      values[first] = a + b;
      values[first + apart] = a - b;
    }
    workgroupBarrier();
  }
  for (var i = lane; i < BLOCK; i += WORKGROUP) { y[start + i] = params.scale * values[i]; }
}
