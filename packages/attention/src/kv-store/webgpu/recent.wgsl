// Rows of x into the ring of f16; one lane a word.
// Prelude: x, positions, blocks; half_bits.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = (id.x + id.y * groups.x) * 64u + lane;
  let row_words = params.width / 2u;
  if (index >= params.rows * row_words) { return; }
  let head = (index / row_words) % params.heads;
  let batch = index / (row_words * params.heads * params.length);
  let row = positions[batch] + i32((index / (row_words * params.heads)) % params.length);
  if (row < 0 || row >= i32(params.capacity)) { return; }
  let at = params.recent_at + ((batch * params.heads + head) * params.recent_rows + u32(row) % params.recent_rows) * row_words + index % row_words;
  blocks[at] = half_bits(x[2u * index]) | (half_bits(x[2u * index + 1u]) << 16u);
}
