// Matrices that the lanes of a subgroup hold together: everything that a kernel does with them is in these functions, and what it
// does between products, row by row, goes through the two arrays. Strides are in elements, from row to row.
// Prelude: component (f32 or f16); M, N, K; COMPONENTS, RESULTS.
var<workgroup> components: array<component, COMPONENTS>;
var<workgroup> results: array<f32, RESULTS>;

alias Left = subgroup_matrix_left<component, K, M>;
alias Right = subgroup_matrix_right<component, N, K>;
alias Result = subgroup_matrix_result<f32, N, M>;

struct Invocation {
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
}

// The number of the lane's subgroup, and how many there are.
fn subgroup_of(invocation: Invocation) -> u32 { return invocation.subgroup; }
fn subgroups_of(invocation: Invocation) -> u32 { return invocation.subgroups; }

fn component_of(value: f32) -> component { return component(value); }

// All lanes of a subgroup execute the same matrix operations, because these depend only on the subgroup's number;
// WGSL's uniformity analysis does not follow that number through a structure.
@diagnostic(off, chromium.subgroup_matrix_uniformity)
fn zero_result() -> Result { return Result(); }

@diagnostic(off, chromium.subgroup_matrix_uniformity)
fn left_at(at: u32, stride: u32) -> Left { return subgroupMatrixLoad<Left, row_major>(&components, at, stride); }

@diagnostic(off, chromium.subgroup_matrix_uniformity)
fn right_at(at: u32, stride: u32) -> Right { return subgroupMatrixLoad<Right, row_major>(&components, at, stride); }

// A matrix of which the columns lie where the others have rows.
@diagnostic(off, chromium.subgroup_matrix_uniformity)
fn transposed_right_at(at: u32, stride: u32) -> Right { return subgroupMatrixLoad<Right, col_major>(&components, at, stride); }

@diagnostic(off, chromium.subgroup_matrix_uniformity)
fn result_at(at: u32, stride: u32) -> Result { return subgroupMatrixLoad<Result, row_major>(&results, at, stride); }

@diagnostic(off, chromium.subgroup_matrix_uniformity)
fn store_result(at: u32, stride: u32, value: Result) { subgroupMatrixStore<row_major>(&results, at, value, stride); }

@diagnostic(off, chromium.subgroup_matrix_uniformity)
fn add_product(left: Left, right: Right, sum: Result) -> Result { return subgroupMatrixMultiplyAccumulate(left, right, sum); }
