// Flash-decoding (Dao et al. 2023) with the query heads of a KV head packed: a workgroup holds up to 32 rows, which are the query
// heads of one KV head times the rows of q, and one stretch of their keys, so that each key and value is read once.
// Scores: one lane a key. Values: one lane a vector of the value size, for every KEY_GROUPS-th key.
// Prelude: Invocation, position_of; store_highest, store_sums; GROUP, ROWS4 (rows / 4), QUERY_CHUNKS, VALUE_VECTORS, LANE_COLUMNS, COLUMNS, KEY_GROUPS, IS_SPLIT; q, k, v; span_of,
// score_of, sink_of, weighed; store_row(index, r, batch, head, row, column, value, m, l).
const KEYS = 64u;
const STAGE_STRIDE = 9u;
const ROWS = 4u * ROWS4;
// Keys (9 vectors each), then weights (ROWS4 vectors a key), then sums of lanes (8 rows at a time).
var<workgroup> stage: array<vec4<f32>, 576>;
var<workgroup> query_tile: array<vec4<f32>, 8u * ROWS>;
var<workgroup> partial: array<vec4<f32>, 64>;
var<workgroup> of_rows: array<vec4<f32>, ROWS4>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, invocation: Invocation) {
  let lane = position_of(invocation);
  let index = id.x + id.y * groups.x;
  if (index >= params.workgroups) { return; }
  let split = index % params.splits;
  let block = (index / params.splits) % params.row_blocks;
  let kv_head = (index / (params.splits * params.row_blocks)) % params.kv_heads;
  let batch = index / (params.splits * params.row_blocks * params.kv_heads);
  // Packed row p is query head p % GROUP of the KV head, row p / GROUP of q.
  let first_packed = block * ROWS;
  let last_packed = min(first_packed + ROWS, GROUP * params.seq_q) - 1u;
  let start = span_of(batch, first_packed / GROUP).first + i32(split * params.split_keys);
  let end = min(span_of(batch, last_packed / GROUP).end, start + i32(params.split_keys));
  // The reduction counts the stretches that hold keys by the same rule.
  if (IS_SPLIT != 0u && start >= end) { return; }

  let column = lane % LANE_COLUMNS;
  let key_group = lane / LANE_COLUMNS;
  var m: array<vec4<f32>, ROWS4>;
  var l: array<vec4<f32>, ROWS4>;
  var o: array<array<vec4<f32>, ROWS>, COLUMNS>;
  for (var r = 0u; r < ROWS; r++) {
    var sink = MASKED;
    if (IS_SPLIT == 0u && first_packed + r <= last_packed) { sink = sink_of(kv_head * GROUP + (first_packed + r) % GROUP); }
    m[r / 4u][r % 4u] = sink;
    l[r / 4u][r % 4u] = select(0.0, 1.0, lane == 0u && is_visible(sink));
  }

  for (var tile = start; tile < end; tile += i32(KEYS)) {
    let count = min(u32(end - tile), KEYS);
    // Spelled out: some implementations zero a variable without initializer once, not at each turn of the loop.
    var scores = array<vec4<f32>, ROWS4>();
    for (var chunk = 0u; chunk < QUERY_CHUNKS; chunk += 8u) {
      workgroupBarrier();
      for (var i = lane; i < 8u * ROWS; i += 64u) {
        let packed = min(first_packed + i / 8u, last_packed);
        query_tile[i] = q4(q_at(batch, kv_head * GROUP + packed % GROUP, packed / GROUP), chunk + i % 8u) * params.query_scale;
      }
      for (var i = lane; i < 8u * KEYS; i += 64u) {
        var value = vec4<f32>();
        if (i / 8u < count) { value = k4(k_at(batch, kv_head, u32(tile) + i / 8u), chunk + i % 8u); }
        stage[(i / 8u) * STAGE_STRIDE + i % 8u] = value;
      }
      workgroupBarrier();
      for (var c = 0u; c < 8u; c++) {
        let key = stage[lane * STAGE_STRIDE + c];
        for (var i = 0u; i < ROWS4; i++) {
          scores[i] += vec4<f32>(dot(query_tile[32u * i + c], key), dot(query_tile[32u * i + 8u + c], key), dot(query_tile[32u * i + 16u + c], key), dot(query_tile[32u * i + 24u + c], key));
        }
      }
    }
    workgroupBarrier();
    for (var r = 0u; r < ROWS; r++) {
      let packed = first_packed + r;
      let row = packed / GROUP;
      var score = MASKED;
      if (packed <= last_packed && lane < count) {
        score = score_of(scores[r / 4u][r % 4u], batch, kv_head * GROUP + packed % GROUP, row, span_of(batch, row), tile + i32(lane));
      }
      scores[r / 4u][r % 4u] = score;
    }
    store_highest(lane, scores);
    for (var i = 0u; i < ROWS4; i++) {
      let top = max(m[i], of_rows[i]);
      let shrink = exp2(m[i] - top);
      let p = select(vec4<f32>(), exp2(scores[i] - top), scores[i] > vec4<f32>(-1.7e38));
      m[i] = top;
      l[i] = l[i] * shrink + p;
      stage[lane * ROWS4 + i] = p;
      for (var n = 0u; n < COLUMNS; n++) {
        for (var j = 0u; j < 4u; j++) { o[n][4u * i + j] *= shrink[j]; }
      }
    }
    workgroupBarrier();
    if (key_group < KEY_GROUPS) {
      for (var key = key_group; key < count; key += KEY_GROUPS) {
        for (var n = 0u; n < COLUMNS; n++) {
          let value = v4(v_at(batch, kv_head, u32(tile) + key), column + 64u * n);
          for (var i = 0u; i < ROWS4; i++) {
            let p = stage[key * ROWS4 + i];
            o[n][4u * i] += weighed(p.x, value);
            o[n][4u * i + 1u] += weighed(p.y, value);
            o[n][4u * i + 2u] += weighed(p.z, value);
            o[n][4u * i + 3u] += weighed(p.w, value);
          }
        }
      }
    }
  }

  workgroupBarrier();
  store_sums(lane, l);
  for (var n = 0u; n < COLUMNS; n++) {
    for (var base = 0u; base < ROWS; base += 8u) {
      workgroupBarrier();
      for (var r = base; r < min(base + 8u, ROWS); r++) { stage[(r - base) * 64u + lane] = o[n][r]; }
      workgroupBarrier();
      if (key_group == 0u && column + 64u * n < VALUE_VECTORS) {
        for (var r = base; r < min(base + 8u, ROWS); r++) {
          let packed = first_packed + r;
          if (packed > last_packed) { break; }
          var sum = vec4<f32>();
          for (var i = 0u; i < KEY_GROUPS; i++) { sum += stage[(r - base) * 64u + i * LANE_COLUMNS + column]; }
          store_row(index, r, batch, kv_head * GROUP + packed % GROUP, packed / GROUP, column + 64u * n, sum, m[r / 4u][r % 4u], of_rows[r / 4u][r % 4u]);
        }
      }
    }
  }
}
