// Operands of the matrix products, in `components`: TILE rows of q, k or v, COLUMNS elements of each at a time, then the weights of a tile.
// Prelude: matrices; TILE, COLUMNS, HIDES_KEYS; q, k, v.
const LANES = 128u;
const VECTORS = COLUMNS / 4u;
// Rows begin on 16 bytes, and in different banks.
const TILE_STRIDE = COLUMNS + 8u;
const WEIGHT_STRIDE = TILE + 8u;
const WEIGHTS = TILE * TILE_STRIDE;
const WEIGHT_PART = TILE * WEIGHT_STRIDE;

// Divisor of each row of q: a power of two, so that f16 neither overflows nor flushes small values.
var<workgroup> row_scales: array<f32, TILE>;
// Not 0 if a row of the tile sees the key.
var<workgroup> seen: array<atomic<u32>, TILE>;

fn stage4(i: u32, value: vec4<f32>, part: u32) {
  let at = (i / VECTORS) * TILE_STRIDE + 4u * (i % VECTORS);
  for (var c = 0u; c < 4u; c++) { components[at + c] = part_of(value[c], part); }
}

fn stage_queries(lane: u32, batch: u32, head: u32, first_row: u32, last_row: u32, chunk: u32, part: u32) {
  for (var i = lane; i < TILE * VECTORS; i += LANES) {
    let row = min(first_row + i / VECTORS, last_row);
    stage4(i, q4(q_at(batch, head, row), VECTORS * chunk + i % VECTORS) / row_scales[i / VECTORS], part);
  }
}

// Keys and values from `end_key` on are zeros, whatever the memory there holds.
fn stage_keys(lane: u32, batch: u32, kv_head: u32, first_key: i32, end_key: i32, chunk: u32) {
  for (var i = lane; i < TILE * VECTORS; i += LANES) {
    let key = first_key + i32(i / VECTORS);
    var value = vec4<f32>();
    if (key < end_key) { value = k4(k_at(batch, kv_head, u32(key)), VECTORS * chunk + i % VECTORS); }
    stage4(i, value, 0u);
  }
}

// Values that no row of the tile sees become zeros, too: products multiply every value by every weight, and hidden ones may be NaN.
fn stage_values(lane: u32, batch: u32, kv_head: u32, first_key: i32, end_key: i32, chunk: u32) {
  for (var i = lane; i < TILE * VECTORS; i += LANES) {
    let key = first_key + i32(i / VECTORS);
    var value = vec4<f32>();
    if (key < end_key && (HIDES_KEYS == 0u || atomicLoad(&seen[i / VECTORS]) != 0u)) { value = v4(v_at(batch, kv_head, u32(key)), VECTORS * chunk + i % VECTORS); }
    stage4(i, value, 0u);
  }
}
