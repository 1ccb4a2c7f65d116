// The keys that a row of an unpacked batch may see; `keys_of(batch)` says how many its sequence has, of which the last seq_kv are there.
fn span_of(batch: u32, row: u32) -> Span {
  let keys = keys_of(batch);
  let kept = max(keys - i32(params.seq_kv), 0);
  let position = keys - i32(params.seq_q) + i32(row);
  return Span(position, clamp(position - params.window_left, kept, keys), clamp(position + params.window_right + 1, kept, keys));
}
