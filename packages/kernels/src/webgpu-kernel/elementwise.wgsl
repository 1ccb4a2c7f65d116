// One lane per element, which is four values where `elem` is a vec4.
// Prelude: elem; value_at.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (id.x + id.y * groups.x) * 64u + local;
  if (i < params.count) { y[i] = value_at(i); }
}
