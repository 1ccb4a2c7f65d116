// x times the weight of the RMSNorm before it; the norm's factor, which is one number, multiplies the sums. A lane takes its part of x
// once for the rows it shares with others, so that the squares come with the products.
// Prelude: input4, norm4; NORM_OFFSET (1 where the weight is 1 + norm); lane_sum_of_squares.
var<private> squares: f32;

fn begin_x() { squares = 0.0; }

fn x4(token: u32, k: u32) -> vec4<f32> {
  let value = input4(token, k);
  squares += dot(value, value);
  return value * (norm4(0u, k) + f32(NORM_OFFSET));
}

fn norm_factor(position: u32) -> f32 { return inverseSqrt(lane_sum_of_squares(position, vec4<f32>(squares)) / f32(params.columns) + params.eps); }
