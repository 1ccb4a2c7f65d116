// Rows of x, normalised where there is a norm, as codes in 8 bits with a scale per 32 columns or (BY_TOKEN) per row: four codes a word, rows
// filled up with zeros to 32 columns; for each 16 columns the scale and the sum of the codes. One workgroup a row.
// Prelude: WORKGROUP, BY_TOKEN; row-reduce; rounding; norm_factor_of, value_of.

fn largest_of(begin: u32, first: u32, factor: f32) -> f32 {
  var largest = 0.0;
  for (var i = first; i < min(first + 32u, params.width); i++) { largest = max(largest, abs(value_of(begin, i, factor))); }
  return largest;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let row = id.x + id.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.width;
  let blocks = (params.width + 31u) / 32u;
  let factor = norm_factor_of(lane, begin);
  var largest = 0.0;
  if (BY_TOKEN == 1u && IS_GIVEN == 0u) {
    for (var block = lane; block < blocks; block += WORKGROUP) { largest = max(largest, largest_of(begin, 32u * block, factor)); }
    largest = max_of_lanes(lane, largest);
  }
  for (var block = lane; block < blocks; block += WORKGROUP) {
    if (BY_TOKEN == 0u) { largest = largest_of(begin, 32u * block, factor); }
    let scale = block_scale(largest);
    let inverse = block_inverse(largest);
    for (var half = 0u; half < 2u; half++) {
      var sum = 0;
      for (var word = 0u; word < 4u; word++) {
        var codes = vec4<i32>();
        for (var j = 0u; j < 4u; j++) {
          let i = 32u * block + 16u * half + 4u * word + j;
          if (i < params.width) { codes[j] = i32(code_of(value_of(begin, i, factor), inverse)); }
        }
        sum += codes.x + codes.y + codes.z + codes.w;
        x_codes[(row * blocks + block) * 8u + 4u * half + word] = pack4xI8(codes);
      }
      x_scales[(row * blocks + block) * 2u + half] = vec2<f32>(scale, f32(sum));
    }
  }
}
