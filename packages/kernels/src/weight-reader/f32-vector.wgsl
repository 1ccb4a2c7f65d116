fn weight4(i: u32) -> vec4<f32> { return weight[i]; }
