// tanh to a few units in the last place: the built-in may lose all digits of small arguments and overflow for large ones.
fn hyperbolic_tangent(x: f32) -> f32 {
  let square = x * x;
  // Lambert's continued fraction, cut after its sixth term: 1e-8 off at |x| = 1.
  let near = x * (10395.0 + square * (1260.0 + 21.0 * square)) / (10395.0 + square * (4725.0 + square * (210.0 + square)));
  let far = sign(x) * (1.0 - 2.0 / (exp2(min(abs(x), 20.0) * 2.8853900817779268) + 1.0));
  return select(far, near, abs(x) < 1.0);
}
