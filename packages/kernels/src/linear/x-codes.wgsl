// Rounded rows: the 8 codes from k on, and the scale and the sum of the codes of the STEP columns (16 or 32) from k on.
fn x_codes_of(token: u32, k: u32) -> vec2<u32> { return x_codes[token * ((params.columns + 31u) / 32u) * 4u + k / 8u]; }

fn x_scale_of(token: u32, k: u32) -> vec2<f32> { return x_scales[token * ((params.columns + 31u) / 32u) * 2u + k / 16u]; }
