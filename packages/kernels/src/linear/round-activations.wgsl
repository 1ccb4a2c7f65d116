// x rounded per `params.block` values of a row, back in f32: one lane per block.
// Prelude: rounding.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (id.x + id.y * groups.x) * 64u + local;
  let blocks = (params.columns + params.block - 1u) / params.block;
  if (index >= params.tokens * blocks) { return; }
  let row = (index / blocks) * params.columns;
  let start = row + (index % blocks) * params.block;
  let end = min(start + params.block, row + params.columns);
  var largest = 0.0;
  if (IS_GIVEN == 0u) { for (var i = start; i < end; i++) { largest = max(largest, abs(x[i])); } }
  let scale = block_scale(largest);
  let inverse = block_inverse(largest);
  for (var i = start; i < end; i++) { rounded[i] = code_of(x[i], inverse) * scale; }
}
