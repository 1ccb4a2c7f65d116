// One lane per 8 values of a row. Ids outside 0 … rows − 1 give zeros.
// Prelude: a weight reader.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (id.x + id.y * groups.x) * 64u + local;
  let chunks = (params.columns + 7u) / 8u;
  let token = index / chunks;
  if (token >= params.tokens) { return; }
  let k = (index % chunks) * 8u;
  let row = ids[token];
  var values = array<vec4<f32>, 2>();
  if (row >= 0 && u32(row) < params.rows) {
    let scale = scale_of(u32(row), k);
    values = codes_of(u32(row), k);
    values[0] = params.scale * (scale.x * values[0] - scale.y);
    values[1] = params.scale * (scale.x * values[1] - scale.y);
  }
  let count = min(8u, params.columns - k);
  for (var i = 0u; i < count; i++) { y[token * params.columns + k + i] = values[i / 4u][i % 4u]; }
}
