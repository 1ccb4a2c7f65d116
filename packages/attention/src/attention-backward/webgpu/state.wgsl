// Row states. A row that sees no key has no weights, whatever it holds.
const DEAD = 3e38;

fn state_of(batch: u32, head: u32, row: u32) -> vec2<f32> { return row_state[(batch * params.heads + head) * params.seq_q + row]; }
fn is_dead(state: vec2<f32>) -> bool { return state.x >= DEAD; }
