// f16 scale; 32 signed bytes.
fn scale_of(row: u32, k: u32) -> vec2<f32> { return vec2<f32>(half_at(block_of(row, k)), 0.0); }

fn signed_bytes_of(word: u32) -> vec4<f32> { return vec4<f32>((vec4<i32>(bitcast<i32>(word)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u)); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let at = block_of(row, k) + 2u + k % 32u;
  return array<vec4<f32>, 2>(signed_bytes_of(word_at(at)), signed_bytes_of(word_at(at + 4u)));
}

fn packed_codes_of(row: u32, k: u32) -> vec2<u32> {
  let at = block_of(row, k) + 2u + k % 32u;
  return vec2<u32>(word_at(at), word_at(at + 4u));
}
