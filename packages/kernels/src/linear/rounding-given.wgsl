// One scale for all values, found by calibration; its reciprocal comes along, because WGSL lets divisions err.
// Prelude: params.input_scale, params.input_inverse.
fn block_scale(largest: f32) -> f32 { return params.input_scale; }
fn block_inverse(largest: f32) -> f32 { return params.input_inverse; }
