// Head of Q4_K and Q5_K: f16 scale and f16 minimum of the block, then 8 scales and 8 minimums of 6 bits in 12 bytes. Those of groups 0 … 3
// are the low bits of bytes 0 … 3 and 4 … 7; groups 4 … 7 have their low nibbles in bytes 8 … 11 (scale low, minimum high) and their top
// two bits above those of groups 0 … 3.
fn scale_of(row: u32, k: u32) -> vec2<f32> {
  let block = block_of(row, k);
  let group = (k % 256u) / 32u;
  let shift = (group % 4u) * 8u;
  let scales = word_at(block + 4u) >> shift;
  let minimums = word_at(block + 8u) >> shift;
  let low = word_at(block + 12u) >> shift;
  let first = vec2<u32>(scales & 63u, minimums & 63u);
  let last = vec2<u32>((low & 15u) | ((scales >> 2u) & 48u), ((low >> 4u) & 15u) | ((minimums >> 2u) & 48u));
  return unpack2x16float(word_at(block)) * vec2<f32>(select(last, first, group < 4u));
}
