// Rows of x whose length is a multiple of 4.
fn x4(token: u32, k: u32) -> vec4<f32> {
  if (k < params.columns) { return x[(token * params.columns + k) / 4u]; }
  return vec4<f32>();
}
