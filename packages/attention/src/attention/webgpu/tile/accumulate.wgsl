// Weights of 32 rows times 8 staged vectors of 32 values: lane (x, y) returns rows y, y + 8, y + 16, y + 24 of vector x. Component c
// of weight_tile[row][j] belongs to key j + 8c.
var<workgroup> weight_tile: array<vec4<f32>, 288>;

fn values_of(lane: u32) -> array<vec4<f32>, 4> {
  let x = lane % 8u;
  let y = lane / 8u;
  var sums = array<vec4<f32>, 4>();
  for (var j = 0u; j < 8u; j++) {
    let v0 = kv_tile[j * TILE_STRIDE + x];
    let v1 = kv_tile[(j + 8u) * TILE_STRIDE + x];
    let v2 = kv_tile[(j + 16u) * TILE_STRIDE + x];
    let v3 = kv_tile[(j + 24u) * TILE_STRIDE + x];
    for (var r = 0u; r < 4u; r++) {
      let p = weight_tile[(y + 8u * r) * TILE_STRIDE + j];
      sums[r] += weighed(p.x, v0) + weighed(p.y, v1) + weighed(p.z, v2) + weighed(p.w, v3);
    }
  }
  return sums;
}
