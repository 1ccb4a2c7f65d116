// A bfloat16 is the upper half of an f32.
fn weight4(i: u32) -> vec4<f32> {
  let words = weight[i].xxyy;
  return bitcast<vec4<f32>>(vec4<u32>(words.x << 16u, words.y & 0xffff0000u, words.z << 16u, words.w & 0xffff0000u));
}
