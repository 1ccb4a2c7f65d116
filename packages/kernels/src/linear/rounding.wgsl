// How the values of a block are rounded. `round` rounds halves to even, as the definition does.
// Prelude: LEVELS, LEAST; block_scale and block_inverse, by the largest magnitude of the block where IS_GIVEN is 0.
fn code_of(value: f32, inverse: f32) -> f32 { return clamp(round(value * inverse), LEAST, LEVELS); }
