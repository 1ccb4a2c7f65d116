// Declarations of packages/webgpu/src/matrix/matrices.wgsl for a GPU without matrices. WIDTH lanes in a row act as a
// subgroup; each lane holds every WIDTH-th row of a matrix (all rows of a right factor), so it reads and writes the
// elements of its subgroup. Missing barriers need not show: SwiftShader orders the lanes freely between barriers.
// Expects declarations of: component (f32); M, N, K; COMPONENTS, RESULTS; WIDTH, IS_HALF.
var<workgroup> components: array<component, COMPONENTS>;
var<workgroup> results: array<f32, RESULTS>;

const OWN_ROWS = (M + WIDTH - 1u) / WIDTH;
alias Left = array<array<f32, K>, OWN_ROWS>;
alias Right = array<array<f32, N>, K>;
alias Result = array<array<f32, N>, OWN_ROWS>;

struct Invocation {
  @builtin(local_invocation_index) lane: u32,
}

var<private> in_subgroup: u32;

fn subgroup_of(invocation: Invocation) -> u32 {
  in_subgroup = invocation.lane % WIDTH;
  return invocation.lane / WIDTH;
}
fn subgroups_of(invocation: Invocation) -> u32 { return 128u / WIDTH; }

fn component_of(value: f32) -> component {
  if (!IS_HALF) { return value; }
  // Below 2^-14, f16 counts steps of 2^-24, which `quantizeToF16` may leave out.
  if (abs(value) < 0x1p-14f) { return round(value * 0x1p24f) * 0x1p-24f; }
  return quantizeToF16(value);
}

fn zero_result() -> Result { return Result(); }

fn left_at(at: u32, stride: u32) -> Left {
  var matrix: Left;
  for (var i = 0u; i < OWN_ROWS; i++) {
    let row = in_subgroup + i * WIDTH;
    for (var k = 0u; k < K && row < M; k++) { matrix[i][k] = components[at + row * stride + k]; }
  }
  return matrix;
}

fn right_at(at: u32, stride: u32) -> Right {
  var matrix: Right;
  for (var k = 0u; k < K; k++) {
    for (var n = 0u; n < N; n++) { matrix[k][n] = components[at + k * stride + n]; }
  }
  return matrix;
}

fn transposed_right_at(at: u32, stride: u32) -> Right {
  var matrix: Right;
  for (var n = 0u; n < N; n++) {
    for (var k = 0u; k < K; k++) { matrix[k][n] = components[at + n * stride + k]; }
  }
  return matrix;
}

fn result_at(at: u32, stride: u32) -> Result {
  var matrix: Result;
  for (var i = 0u; i < OWN_ROWS; i++) {
    let row = in_subgroup + i * WIDTH;
    for (var n = 0u; n < N && row < M; n++) { matrix[i][n] = results[at + row * stride + n]; }
  }
  return matrix;
}

fn store_result(at: u32, stride: u32, value: Result) {
  var matrix = value;
  for (var i = 0u; i < OWN_ROWS; i++) {
    let row = in_subgroup + i * WIDTH;
    for (var n = 0u; n < N && row < M; n++) { results[at + row * stride + n] = matrix[i][n]; }
  }
}

fn add_product(left: Left, right: Right, sum: Result) -> Result {
  var a = left;
  var b = right;
  var matrix = sum;
  for (var i = 0u; i < OWN_ROWS; i++) {
    for (var k = 0u; k < K; k++) {
      for (var n = 0u; n < N; n++) { matrix[i][n] += a[i][k] * b[k][n]; }
    }
  }
  return matrix;
}
