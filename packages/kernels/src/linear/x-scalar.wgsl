fn x_or_zero(token: u32, k: u32) -> f32 {
  if (k < params.columns) { return x[token * params.columns + k]; }
  return 0.0;
}

fn x4(token: u32, k: u32) -> vec4<f32> {
  return vec4<f32>(x_or_zero(token, k), x_or_zero(token, k + 1u), x_or_zero(token, k + 2u), x_or_zero(token, k + 3u));
}
