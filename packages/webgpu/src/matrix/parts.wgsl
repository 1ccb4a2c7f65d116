// Numbers of f32 as factors: where components are f16, as PARTS numbers that add up to them.
// Prelude: matrices; PARTS.

// Each part is what the ones before it leave, rounded.
fn part_of(value: f32, part: u32) -> component {
  var rest = value;
  for (var i = 0u; i < part; i++) { rest -= f32(component_of(rest)); }
  return component_of(rest);
}

// A power of two; divided by it, numbers up to `highest` lie below 2^15, as high as f16 allows: below 2^-14 it may lose them.
fn scale_for(highest: f32) -> f32 {
  if (PARTS == 1u) { return 1.0; }
  return bitcast<f32>(clamp(bitcast<u32>(highest) & 0x7f800000u, 0x20000000u, 0x5f000000u)) / 16384.0;
}
