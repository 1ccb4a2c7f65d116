// Scales by the largest magnitude. Below SMALLEST the reciprocal would overflow; such a block counts as zero.
// Prelude: LEVELS, CLIP.
const SMALLEST = 0x1p-100f;

fn block_scale(largest: f32) -> f32 { return largest * CLIP / LEVELS; }
fn block_inverse(largest: f32) -> f32 {
  let limit = largest * CLIP;
  return select(LEVELS / max(limit, SMALLEST), 0.0, limit < SMALLEST);
}
