// Scale and minimum of the group that contains k: a value is scale · code − scale · zero.
// Prelude: GROUP_COLUMNS, GROUPS (a row has); scale_at, zero_at.
fn scale_of(row: u32, k: u32) -> vec2<f32> {
  let group = k / GROUP_COLUMNS;
  let scale = scale_at(row * GROUPS + group);
  return vec2<f32>(scale, scale * zero_at(row, group));
}
