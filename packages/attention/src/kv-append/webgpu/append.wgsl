// Copies rows of x into the cache at each sequence's position; one lane a word of the cache.
// Prelude: WORD_ELEMENTS (elements of x in a word of the cache); x, positions, cache; word_of(at), page_of(batch, row).
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = (id.x + id.y * groups.x) * 64u + lane;
  if (index >= params.words) { return; }
  let column = index % params.row_words;
  let head = (index / params.row_words) % params.heads;
  let i = (index / (params.row_words * params.heads)) % params.rows;
  let batch = index / (params.row_words * params.heads * params.rows);
  let row = positions[batch] + i32(i);
  let page = page_of(batch, row);
  if (page < 0) { return; }
  cache[((u32(page) * params.heads + head) * params.capacity + u32(row) % params.capacity) * params.row_words + column] = word_of(index * WORD_ELEMENTS);
}
