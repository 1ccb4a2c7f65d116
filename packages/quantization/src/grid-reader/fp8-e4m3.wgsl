// Sign, four bits of exponent, three of mantissa; with an exponent of 0, steps of 2^-9.
fn values_of(codes: vec4<u32>) -> vec4<f32> {
  let magnitude = codes & vec4<u32>(127u);
  let normal = bitcast<vec4<f32>>((magnitude << vec4<u32>(20u)) + vec4<u32>(120u << 23u));
  let value = select(normal, vec4<f32>(magnitude) * 0x1p-9f, magnitude < vec4<u32>(8u));
  return select(value, -value, codes > vec4<u32>(127u));
}
