// Dense rows of any length: `weight1(i)` reads weight i.
fn scale_of(row: u32, k: u32) -> vec2<f32> { return vec2<f32>(1.0, 0.0); }

fn weight_or_zero(row: u32, k: u32) -> f32 {
  if (k < params.columns) { return weight1(row * params.columns + k); }
  return 0.0;
}

fn codes_of(row: u32, k: u32) -> array<vec4<f32>, 2> {
  return array<vec4<f32>, 2>(
    vec4<f32>(weight_or_zero(row, k), weight_or_zero(row, k + 1u), weight_or_zero(row, k + 2u), weight_or_zero(row, k + 3u)),
    vec4<f32>(weight_or_zero(row, k + 4u), weight_or_zero(row, k + 5u), weight_or_zero(row, k + 6u), weight_or_zero(row, k + 7u)),
  );
}
