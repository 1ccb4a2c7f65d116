fn weight4(i: u32) -> vec4<f32> {
  let words = weight[i];
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
