// Dense rows whose length is a multiple of 4: `weight4(i)` reads weights 4i … 4i + 3.
fn scale_of(row: u32, k: u32) -> vec2<f32> { return vec2<f32>(1.0, 0.0); }

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  let at = (row * params.columns + k) / 4u;
  var codes = array<vec4<f32>, 2>();
  if (k < params.columns) { codes[0] = weight4(at); }
  if (k + 4u < params.columns) { codes[1] = weight4(at + 1u); }
  return codes;
}
