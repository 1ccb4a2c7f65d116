// 32 rows or keys of 8 vectors each; a row of 9 vectors keeps lanes in different banks.
const TILE = 32u;
const TILE_STRIDE = 9u;
var<workgroup> kv_tile: array<vec4<f32>, 288>;
