// Rounds rows of x to bytes; one workgroup a row.
// Prelude: IS_FP8; x, positions, blocks; fp8_bits, nearest_code, page_of(batch, row).
var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = id.x + id.y * groups.x;
  if (index >= params.rows) { return; }
  let head = index % params.heads;
  let batch = index / (params.heads * params.length);
  let row = positions[batch] + i32((index / params.heads) % params.length);
  let page = page_of(batch, row);
  var largest = 0.0;
  for (var d = lane; d < params.width; d += 64u) { largest = max(largest, abs(x[index * params.width + d])); }
  partial[lane] = largest;
  workgroupBarrier();
  for (var i = 0u; i < 64u; i++) { largest = max(largest, partial[i]); }
  if (page < 0) { return; }
  let bits = bitcast<u32>(largest);
  var scale = 0.0;
  if (bits >= 0x0d800000u) {
    if (IS_FP8 != 0u) { scale = bitcast<f32>((bits & 0x7f800000u) - (7u << 23u)); } else { scale = bitcast<f32>((bitcast<u32>(largest * 0.007874015718698502) + 0x1ffu) & 0xfffffe00u); }
  }
  let at = ((u32(page) * params.heads + head) * params.capacity + u32(max(row, 0)) % params.capacity) * (1u + params.width / 4u);
  if (lane == 0u) { blocks[at] = bitcast<u32>(scale); }
  for (var word = lane; word < params.width / 4u; word += 64u) {
    var codes = 0u;
    if (scale != 0.0) {
      for (var i = 0u; i < 4u; i++) {
        let value = x[index * params.width + 4u * word + i];
        var code = 0u;
        // A power of two has an exact inverse.
        if (IS_FP8 != 0u) { code = fp8_bits(value * bitcast<f32>((254u << 23u) - bitcast<u32>(scale))); } else { code = u32(max(nearest_code(value, scale, 127), -127)) & 0xffu; }
        codes |= code << (8u * i);
      }
    }
    blocks[at + 1u + word] = codes;
  }
}
