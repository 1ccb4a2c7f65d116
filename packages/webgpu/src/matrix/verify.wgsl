// Two products and a sum by everything that matrices can do: sum = a · b + a · c, by way of memory in between, where c lies transposed.
// The subgroups share 4 strips of a among them as kernels do.
// Prelude: matrices; factors, sums. a begins at 0, b at B, c at C, with rows of STRIDE.
const STRIPS = 4u;
const STRIDE = 24u;
const B = STRIPS * M * STRIDE;
const C = B + K * STRIDE;

@compute @workgroup_size(128)
fn main(invocation: Invocation) {
  for (var i = invocation.lane; i < COMPONENTS; i += 128u) { components[i] = component_of(factors[i]); }
  workgroupBarrier();
  for (var strip = subgroup_of(invocation); strip < STRIPS; strip += subgroups_of(invocation)) {
    let left = left_at(strip * M * STRIDE, STRIDE);
    let first = add_product(left, right_at(B, STRIDE), zero_result());
    store_result(strip * M * STRIDE, STRIDE, add_product(left, transposed_right_at(C, STRIDE), first));
  }
  workgroupBarrier();
  // Values written by other lanes, changed row by row, must be the ones loaded next.
  for (var i = invocation.lane; i < RESULTS; i += 128u) { results[i] *= f32(i / STRIDE + 1u); }
  workgroupBarrier();
  for (var strip = subgroup_of(invocation); strip < STRIPS; strip += subgroups_of(invocation)) {
    let at = strip * M * STRIDE;
    store_result(at, STRIDE, add_product(left_at(at, STRIDE), right_at(B, STRIDE), result_at(at, STRIDE)));
  }
  workgroupBarrier();
  for (var i = invocation.lane; i < RESULTS; i += 128u) { sums[i] = results[i]; }
}
