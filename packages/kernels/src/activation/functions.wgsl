// Activation functions of `elem` (f32 or vec4<f32>), finite wherever the functions are. Arguments of exp stay where neither it nor a
// division by it leaves the range that WGSL promises an accuracy for.

fn sigmoid(x: elem) -> elem { return 1.0 / (1.0 + exp(-clamp(x, elem(-87.0), elem(87.0)))); }

// The builtin may err by 1e-5. Near 0 the odd series, because the quotient loses digits there.
fn hyperbolic_tangent(x: elem) -> elem {
  let square = x * x;
  let near = x * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 - square * (17.0 / 315.0))));
  let far = 1.0 - 2.0 / (exp(2.0 * clamp(x, elem(-20.0), elem(20.0))) + 1.0);
  return select(far, near, abs(x) < elem(0.25));
}

// Error function. From 0.5 on 1 − erfc by the Chebyshev fit of W. H. Press et al., Numerical Recipes (`erfcc`, relative error 1.2e-7);
// below, where that difference loses digits, the Maclaurin series.
fn error_function(x: elem) -> elem {
  let a = abs(x);
  let t = 2.0 / (2.0 + a);
  let fit = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  let tail = 1.0 - t * exp(max(fit - a * a, elem(-87.0)));
  let square = x * x;
  let series = 1.0 - square * (1.0 / 3.0 - square * (1.0 / 10.0 - square * (1.0 / 42.0 - square * (1.0 / 216.0 - square * (1.0 / 1320.0 - square * (1.0 / 9360.0))))));
  return select(sign(x) * tail, 1.1283791670955126 * x * series, a < elem(0.5));
}

fn silu(x: elem) -> elem { return x * sigmoid(x); }
fn gelu_erf(x: elem) -> elem { return 0.5 * x * (1.0 + error_function(clamp(x * 0.7071067811865476, elem(-9.0), elem(9.0)))); }
// x · (1 + tanh(u)) / 2 = x · sigmoid(2u), where neither side of the sum cancels.
fn gelu_tanh(x: elem) -> elem {
  let within = clamp(x, elem(-30.0), elem(30.0));
  return x * sigmoid(1.5957691216057308 * (within + 0.044715 * within * within * within));
}
fn quick_gelu(x: elem) -> elem { return x * sigmoid(1.702 * x); }
fn relu(x: elem) -> elem { return max(x, elem(0.0)); }
fn relu2(x: elem) -> elem { return relu(x) * relu(x); }
