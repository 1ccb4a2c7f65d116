// One head of one token per workgroup: normalized if it has a norm, rotated and stored; a key's workgroup also stores its value.
// Prelude: HEAD_DIM, HALF (R / 2), IS_NEOX, WORD_ELEMENTS, VALUE_ELEMENTS (elements of a word of either cache), FIRST_HEAD (query heads
// come first, then those of keys); positions, cos_table, sin_table; HAS_NORM; load_head, norm_of, store_query; page_of, store_key, store_value.
const SQUARES = 64u;
var<workgroup> row: array<f32, HEAD_DIM>;
var<workgroup> partial: array<f32, SQUARES>;

// Channel d after rotation by the angles at `at`.
fn rotated(d: u32, at: u32) -> f32 {
  if (d >= 2u * HALF) { return row[d]; }
  var pair = d / 2u;
  var first = 2u * pair;
  var second = first + 1u;
  if (IS_NEOX == 1u) {
    pair = d % HALF;
    first = pair;
    second = pair + HALF;
  }
  let c = cos_table[at + pair];
  let s = sin_table[at + pair];
  if (d == first) { return row[first] * c - row[second] * s; }
  return row[second] * c + row[first] * s;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let head = FIRST_HEAD + index % params.heads_here;
  let token = index / params.heads_here;
  let is_query = head < params.query_heads;

  var squares = 0.0;
  for (var d = lane; d < HEAD_DIM; d += 64u) {
    let value = load_head(token, head, d);
    row[d] = value;
    squares += value * value;
  }
  if (HAS_NORM == 1u) {
    partial[lane] = squares;
    workgroupBarrier();
    var sum = 0.0;
    for (var i = 0u; i < SQUARES; i++) { sum += partial[i]; }
    let factor = inverseSqrt(sum / f32(HEAD_DIM) + params.eps);
    // Each lane reads back only what it stored itself.
    for (var d = lane; d < HEAD_DIM; d += 64u) { row[d] *= norm_of(head, d, factor); }
  }
  workgroupBarrier();

  let position = positions[token];
  let at = u32(max(position, 0)) * HALF;
  if (is_query) {
    for (var d = lane; d < HEAD_DIM; d += 64u) { store_query(token, head, d, rotated(d, at)); }
    return;
  }
  let kv_head = head - params.query_heads;
  let page = page_of(token / params.length, position);
  if (page < 0) { return; }
  let place = (u32(page) * params.kv_heads + kv_head) * params.capacity + u32(position) % params.capacity;
  for (var word = lane; word < HEAD_DIM / WORD_ELEMENTS; word += 64u) { store_key(place, word, at); }
  for (var word = lane; word < params.value_dim / VALUE_ELEMENTS; word += 64u) { store_value(place, word, (token * params.kv_heads + kv_head) * params.value_dim); }
}
