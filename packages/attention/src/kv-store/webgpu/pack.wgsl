// Packs the tokens that the header assigns to groups, from the ring; one workgroup per group of a head.
// Prelude: BITS, PER_WORD (codes of a word), ALONG_TOKEN; blocks; half_bits, nearest_code.
fn half_value(bits: u32) -> f32 {
  let magnitude = bits & 0x7fffu;
  let sign = (bits & 0x8000u) << 16u;
  // Subnormals count steps of 2^-24.
  if (magnitude < 0x400u) { return select(1.0, -1.0, sign != 0u) * f32(magnitude) * 5.9604644775390625e-8; }
  return bitcast<f32>(sign | ((magnitude << 13u) + 0x38000000u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * grid.x;
  let head = index / params.most;
  if (head >= params.heads) { return; }
  let batch = head / params.heads_of_batch;
  let group = blocks[2u * batch + 1u] / 32u + index % params.most;
  // The barrier is for all workgroups, also for those without a group.
  let has_group = group < min(params.groups, blocks[2u * batch] / 32u);
  let width = params.width;
  let recent = params.recent_at + (head * params.recent_rows + (group * 32u) % params.recent_rows) * (width / 2u);
  let to = params.header_words + (head * params.groups + group) * params.group_words;
  let parameters = to + params.code_words;
  for (var p = lane; has_group && p < params.group_words - params.code_words; p += 64u) {
    // The elements of a parameter: a channel of 32 tokens, or up to 32 channels of a token.
    let token = p % 32u;
    let first = p - token;
    let count = select(32u, min(32u, width - first), ALONG_TOKEN != 0u);
    var smallest = 0.0;
    var largest = 0.0;
    for (var i = 0u; i < count; i++) {
      let element = select(i * width + p, token * width + first + i, ALONG_TOKEN != 0u);
      let value = half_value((blocks[recent + element / 2u] >> (16u * (element % 2u))) & 0xffffu);
      smallest = select(min(smallest, value), value, i == 0u);
      largest = select(max(largest, value), value, i == 0u);
    }
    var minimum = half_bits(smallest);
    if ((minimum & 0x7fffu) == 0u) { minimum = 0u; }
    blocks[parameters + p] = minimum | (half_bits((largest - smallest) * params.share) << 16u);
  }
  storageBarrier();
  workgroupBarrier();
  for (var word = lane; has_group && word < params.code_words; word += 64u) {
    var codes = 0u;
    for (var i = 0u; i < PER_WORD; i++) {
      var token = word % 32u;
      var channel = (word / 32u) * PER_WORD + i;
      var parameter = channel;
      if (ALONG_TOKEN != 0u) {
        channel = word % width;
        token = (word / width) * PER_WORD + i;
        parameter = (channel / 32u) * 32u + token;
      }
      let stored = blocks[parameters + parameter];
      let scale = half_value(stored >> 16u);
      if (scale != 0.0) {
        let element = token * width + channel;
        let value = half_value((blocks[recent + element / 2u] >> (16u * (element % 2u))) & 0xffffu);
        codes |= u32(max(nearest_code(value - half_value(stored & 0xffffu), scale, i32((1u << BITS) - 1u)), 0)) << (BITS * i);
      }
    }
    blocks[to + word] = codes;
  }
}
