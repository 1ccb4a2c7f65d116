// lse = log Σ exp(x), nll = lse − x[label]; one workgroup per row. A label outside the row gives 0, as the definition does.
// Prelude: WORKGROUP; row-reduce; row-exponentials.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let row = id.x + id.y * groups.x;
  if (row >= params.rows) { return; }
  let start = row * params.width;
  let largest = row_maximum(start, lane);
  let log_sum = log2(row_exponentials(start, lane, largest)) * LN_2;
  if (lane == 0u) {
    lse[row] = largest + log_sum;
    let label = labels[row];
    nll[row] = 0.0;
    // The difference to the largest logit first: lse − logit would lose the digits that both share.
    if (label >= 0 && u32(label) < params.width) { nll[row] = (largest - max(x[start + u32(label)], LOWEST)) + log_sum; }
  }
}
