// x rounded to 8 bits per `params.block` values of a row, back in f32: one lane per block. `round` rounds halves to even, as the definition does.
// Below SMALLEST the reciprocal would overflow; such a block counts as zero.
const SMALLEST = 0x1p-100f;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (id.x + id.y * groups.x) * 64u + local;
  let blocks = (params.columns + params.block - 1u) / params.block;
  if (index >= params.tokens * blocks) { return; }
  let row = (index / blocks) * params.columns;
  let start = row + (index % blocks) * params.block;
  let end = min(start + params.block, row + params.columns);
  var largest = 0.0;
  for (var i = start; i < end; i++) { largest = max(largest, abs(x[i])); }
  let scale = largest / 127.0;
  let inverse = select(127.0 / max(largest, SMALLEST), 0.0, largest < SMALLEST);
  for (var i = start; i < end; i++) { rounded[i] = round(x[i] * inverse) * scale; }
}
