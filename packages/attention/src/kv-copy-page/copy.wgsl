// Copies one page of a pool onto another; one lane a word.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = (id.x + id.y * groups.x) * 64u + lane;
  if (index >= params.words) { return; }
  let last = i32(params.num_pages) - 1;
  if (min(pages[0], pages[1]) < 0 || max(pages[0], pages[1]) > last) { return; }
  pool[u32(pages[1]) * params.words + index] = pool[u32(pages[0]) * params.words + index];
}
