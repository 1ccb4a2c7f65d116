// Maximum and sum of exponentials of a row of x. Exponentials are powers of two with log2(e) folded in.
// Prelude: WORKGROUP; row-reduce.
const LOG2_E = 1.4426950408889634;
const LN_2 = 0.6931471805599453;
// −∞ as data is clamped to the largest finite magnitude: implementations may assume that there are no infinities.
const LOWEST = -3.4028234663852886e38;

fn exponential(shifted: f32) -> f32 { return exp2(max(shifted, -200.0) * LOG2_E); }

fn row_maximum(start: u32, lane: u32) -> f32 {
  var largest = LOWEST;
  for (var i = lane; i < params.width; i += WORKGROUP) { largest = max(largest, x[start + i]); }
  return max_of_lanes(lane, largest);
}

fn row_exponentials(start: u32, lane: u32, largest: f32) -> f32 {
  var sum = 0.0;
  for (var i = lane; i < params.width; i += WORKGROUP) { sum += exponential(max(x[start + i], LOWEST) - largest); }
  return sum_of_lanes(lane, sum);
}
