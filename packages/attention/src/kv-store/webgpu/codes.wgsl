// As src/kv-format/codes.ts: arithmetic with one result on every device.

// ⌊x / scale + ½⌋, at most `largest`: the quotient, which may be rounded anyhow, is off by one at most.
fn nearest_code(x: f32, scale: f32, largest: i32) -> i32 {
  var code = floor(x / scale + 0.5);
  if (x < (code - 0.5) * scale) { code -= 1.0; } else if (x >= (code + 0.5) * scale) { code += 1.0; }
  return min(largest, i32(code));
}
