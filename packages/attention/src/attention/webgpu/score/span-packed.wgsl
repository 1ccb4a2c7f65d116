// The keys that a row of packed sequences may see. `first` and `end` never fall from row to row, so that the keys of a tile of
// rows are those from the first row's `first` to the last row's `end`.
fn span_of(batch: u32, row: u32) -> Span {
  let r = i32(row);
  var low = 0u;
  var high = params.sequences;
  // The last sequence that starts at or before the row: an empty one never has a row.
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (cu_seq_lens[middle] <= r) { low = middle; } else { high = middle; }
  }
  let last_key = i32(params.seq_kv);
  let first_key = clamp(key_start(low), 0, last_key);
  let end_key = clamp(key_start(low + 1u), first_key, last_key);
  let end_row = cu_seq_lens[low + 1u];
  if (r >= end_row) { return Span(0, end_key, end_key); }
  let position = end_key - end_row + r;
  return Span(position, clamp(position - params.window_left, first_key, end_key), clamp(position + params.window_right + 1, first_key, end_key));
}
