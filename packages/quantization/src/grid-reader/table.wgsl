// A table of at most 16 values, TABLE.
fn values_of(codes: vec4<u32>) -> vec4<f32> { return vec4<f32>(TABLE[codes.x], TABLE[codes.y], TABLE[codes.z], TABLE[codes.w]); }
