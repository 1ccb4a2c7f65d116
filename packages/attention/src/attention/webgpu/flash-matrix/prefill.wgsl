// FlashAttention-2's forward pass (Dao 2023) by products of matrices: a workgroup holds TILE rows of a head and walks over their keys
// TILE at a time. A subgroup multiplies strips of M rows and keeps their queries and outputs; between the products, ROW_LANES lanes
// have a row. Outputs must go through memory to be scaled, so they are only when the weights of a row would exceed 2^HIGHEST; then
// they begin anew at 2^LOWEST. So many, because f16 loses what is below 2^-14, and less than 2^-23 of the largest is no loss.
// Prelude: matrices; STRIPS, STRIPS_EACH, GROUP, QUERY_CHUNKS, QUERY_STEPS, VALUE_MATRICES; q, o, lse; span_of, score_of, sink_of; stage.wgsl.
const ROW_LANES = LANES / TILE;
const RESULT_STRIDE = max(COLUMNS, TILE) + 4u;
const KEY_MATRICES = TILE / N;
const STEPS = COLUMNS / K;
const QUERY_TILES = (QUERY_STEPS + STEPS - 1u) / STEPS;
const MATRICES = COLUMNS / N;
const VALUE_TILES = (VALUE_MATRICES + MATRICES - 1u) / MATRICES;
const LOWEST = 9.0;
const HIGHEST = 15.0;

var<workgroup> partial: array<f32, LANES>;
// Not 0 where outputs must be scaled.
var<workgroup> has_grown: atomic<u32>;

fn row_highest(lane: u32, value: f32) -> f32 {
  partial[lane] = value;
  workgroupBarrier();
  var highest = value;
  for (var j = 0u; j < ROW_LANES; j++) { highest = max(highest, partial[lane / ROW_LANES * ROW_LANES + j]); }
  return highest;
}

fn row_sum(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  partial[lane] = value;
  workgroupBarrier();
  var sum = 0.0;
  for (var j = 0u; j < ROW_LANES; j++) { sum += partial[lane / ROW_LANES * ROW_LANES + j]; }
  return sum;
}

alias Outputs = array<array<Result, VALUE_MATRICES>, STRIPS_EACH>;

// COLUMNS of the outputs of a subgroup's strips, to where their rows' lanes find them.
fn store_outputs(outputs: ptr<function, Outputs>, subgroup: u32, subgroups: u32, chunk: u32) {
  for (var i = 0u; i < STRIPS_EACH; i++) {
    let strip = subgroup + i * subgroups;
    if (strip >= STRIPS) { break; }
    for (var n = 0u; n < min(MATRICES, VALUE_MATRICES - chunk * MATRICES); n++) { store_result(strip * M * RESULT_STRIDE + n * N, RESULT_STRIDE, outputs[i][chunk * MATRICES + n]); }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = invocation.lane;
  let subgroup = subgroup_of(invocation);
  let subgroups = subgroups_of(invocation);
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let head = index % params.heads;
  // The last rows of a causal sequence have most keys: they start first, so that they do not end last.
  let row_tile = params.row_tiles - 1u - (index / params.heads) % params.row_tiles;
  let batch = index / (params.heads * params.row_tiles);
  let first_row = row_tile * TILE;
  let last_row = min(first_row + TILE, params.seq_q) - 1u;
  let start = span_of(batch, first_row).first;
  let end_key = span_of(batch, last_row).end;

  let r = lane / ROW_LANES;
  let part_of_row = lane % ROW_LANES;
  let row = min(first_row + r, last_row);
  let span = span_of(batch, row);

  var scale = 1.0;
  if (PARTS > 1u) {
    var highest = 0.0;
    for (var chunk = part_of_row; chunk < QUERY_CHUNKS; chunk += ROW_LANES) {
      let q = abs(q4(q_at(batch, head, row), chunk));
      highest = max(highest, max(max(q.x, q.y), max(q.z, q.w)));
    }
    scale = scale_for(row_highest(lane, highest));
  }
  if (part_of_row == 0u) { row_scales[r] = scale; }
  if (lane == 0u) { atomicStore(&has_grown, 0u); }

  var queries: array<array<array<Left, PARTS>, QUERY_STEPS>, STRIPS_EACH>;
  for (var part = 0u; part < PARTS; part++) {
    for (var chunk = 0u; chunk < QUERY_TILES; chunk++) {
      workgroupBarrier();
      stage_queries(lane, batch, head, first_row, last_row, chunk, part);
      workgroupBarrier();
      for (var i = 0u; i < STRIPS_EACH; i++) {
        let strip = subgroup + i * subgroups;
        if (strip >= STRIPS) { break; }
        for (var step = 0u; step < min(STEPS, QUERY_STEPS - chunk * STEPS); step++) { queries[i][chunk * STEPS + step][part] = left_at(strip * M * TILE_STRIDE + step * K, TILE_STRIDE); }
      }
    }
  }

  let sink = sink_of(head);
  // Weights are 2^(score − m).
  var m = sink - LOWEST;
  // Each lane sums its own keys; the sink counts once.
  var l = select(0.0, exp2(LOWEST), part_of_row == 0u && is_visible(sink));
  var outputs: Outputs;
  for (var i = 0u; i < STRIPS_EACH; i++) {
    for (var n = 0u; n < VALUE_MATRICES; n++) { outputs[i][n] = zero_result(); }
  }

  for (var first_key = start; first_key < end_key; first_key += i32(TILE)) {
    var sums: array<array<Result, KEY_MATRICES>, STRIPS_EACH>;
    for (var i = 0u; i < STRIPS_EACH; i++) {
      for (var n = 0u; n < KEY_MATRICES; n++) { sums[i][n] = zero_result(); }
    }
    if (lane < TILE) { atomicStore(&seen[lane], 0u); }
    for (var chunk = 0u; chunk < QUERY_TILES; chunk++) {
      workgroupBarrier();
      stage_keys(lane, batch, head / GROUP, first_key, end_key, chunk);
      workgroupBarrier();
      for (var i = 0u; i < STRIPS_EACH; i++) {
        if (subgroup + i * subgroups >= STRIPS) { break; }
        for (var step = 0u; step < min(STEPS, QUERY_STEPS - chunk * STEPS); step++) {
          for (var n = 0u; n < KEY_MATRICES; n++) {
            let keys = transposed_right_at(n * N * TILE_STRIDE + step * K, TILE_STRIDE);
            for (var part = 0u; part < PARTS; part++) { sums[i][n] = add_product(queries[i][chunk * STEPS + step][part], keys, sums[i][n]); }
          }
        }
      }
    }
    for (var i = 0u; i < STRIPS_EACH; i++) {
      let strip = subgroup + i * subgroups;
      if (strip >= STRIPS) { break; }
      for (var n = 0u; n < KEY_MATRICES; n++) { store_result(strip * M * RESULT_STRIDE + n * N, RESULT_STRIDE, sums[i][n]); }
    }
    workgroupBarrier();

    var highest = MASKED;
    for (var j = part_of_row; j < TILE; j += ROW_LANES) {
      let at = r * RESULT_STRIDE + j;
      let score = score_of(results[at] * scale * params.query_scale, batch, head, row, span, first_key + i32(j));
      results[at] = score;
      highest = max(highest, score);
    }
    highest = row_highest(lane, highest);
    var shrink = 1.0;
    if (highest > m + HIGHEST) {
      shrink = exp2(m + LOWEST - highest);
      m = highest - LOWEST;
      l *= shrink;
      atomicStore(&has_grown, 1u);
    }
    for (var j = part_of_row; j < TILE; j += ROW_LANES) {
      let score = results[r * RESULT_STRIDE + j];
      let p = select(0.0, exp2(score - m), is_visible(score));
      l += p;
      for (var part = 0u; part < PARTS; part++) { components[WEIGHTS + part * WEIGHT_PART + r * WEIGHT_STRIDE + j] = part_of(p, part); }
      if (HIDES_KEYS != 0u && p > 0.0) { atomicStore(&seen[j], 1u); }
    }
    let must_scale = workgroupUniformLoad(&has_grown) != 0u;
    if (lane == 0u) { atomicStore(&has_grown, 0u); }
    // Before the first tile, outputs are zeros.
    if (must_scale && first_key > start) {
      for (var chunk = 0u; chunk < VALUE_TILES; chunk++) {
        workgroupBarrier();
        store_outputs(&outputs, subgroup, subgroups, chunk);
        workgroupBarrier();
        for (var j = part_of_row; j < COLUMNS; j += ROW_LANES) { results[r * RESULT_STRIDE + j] *= shrink; }
        workgroupBarrier();
        for (var i = 0u; i < STRIPS_EACH; i++) {
          let strip = subgroup + i * subgroups;
          if (strip >= STRIPS) { break; }
          for (var n = 0u; n < min(MATRICES, VALUE_MATRICES - chunk * MATRICES); n++) { outputs[i][chunk * MATRICES + n] = result_at(strip * M * RESULT_STRIDE + n * N, RESULT_STRIDE); }
        }
      }
    }

    for (var chunk = 0u; chunk < VALUE_TILES; chunk++) {
      workgroupBarrier();
      stage_values(lane, batch, head / GROUP, first_key, end_key, chunk);
      workgroupBarrier();
      for (var i = 0u; i < STRIPS_EACH; i++) {
        let strip = subgroup + i * subgroups;
        if (strip >= STRIPS) { break; }
        for (var step = 0u; step < TILE / K; step++) {
          for (var part = 0u; part < PARTS; part++) {
            let weights = left_at(WEIGHTS + part * WEIGHT_PART + strip * M * WEIGHT_STRIDE + step * K, WEIGHT_STRIDE);
            for (var n = 0u; n < min(MATRICES, VALUE_MATRICES - chunk * MATRICES); n++) {
              let values = right_at(step * K * TILE_STRIDE + n * N, TILE_STRIDE);
              outputs[i][chunk * MATRICES + n] = add_product(weights, values, outputs[i][chunk * MATRICES + n]);
            }
          }
        }
      }
    }
  }

  let sum = row_sum(lane, l);
  // A row that sees no key has a sum of 0 and an output of 0.
  let share = select(0.0, 1.0 / sum, sum > 0.0);
  for (var chunk = 0u; chunk < VALUE_TILES; chunk++) {
    workgroupBarrier();
    store_outputs(&outputs, subgroup, subgroups, chunk);
    workgroupBarrier();
    if (first_row + r <= last_row) {
      for (var column = part_of_row; column < VECTORS; column += ROW_LANES) {
        let at = r * RESULT_STRIDE + 4u * column;
        store_o4(o_at(batch, head, row), VECTORS * chunk + column, vec4<f32>(results[at], results[at + 1u], results[at + 2u], results[at + 3u]) * share);
      }
    }
  }
  if (part_of_row == 0u && first_row + r <= last_row) { store_lse(batch, head, row, m, sum); }
}
