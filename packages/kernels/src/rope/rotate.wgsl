// One lane per channel: channels of a pair read each other, the channels beyond the rotary dimension pass through.
// Prelude: IS_NEOX. params: tokens, heads, channels (D), half_dim (R / 2).
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (id.x + id.y * groups.x) * 64u + local;
  if (index >= params.tokens * params.heads * params.channels) { return; }
  let channel = index % params.channels;
  if (channel >= 2u * params.half_dim) {
    y[index] = x[index];
    return;
  }
  let token = index / (params.channels * params.heads);
  let start = index - channel;
  var pair = channel / 2u;
  var is_second = channel % 2u == 1u;
  var first = 2u * pair;
  var second = first + 1u;
  if (IS_NEOX == 1u) {
    pair = channel % params.half_dim;
    is_second = channel >= params.half_dim;
    first = pair;
    second = pair + params.half_dim;
  }
  let at = u32(positions[token]) * params.half_dim + pair;
  let a = x[start + first];
  let b = x[start + second];
  if (is_second) { y[index] = b * cos_table[at] + a * sin_table[at]; } else { y[index] = a * cos_table[at] - b * sin_table[at]; }
}
