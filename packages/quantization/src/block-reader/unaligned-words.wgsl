// Blocks that may start at any byte: a word lies in up to two of the buffer. The second index equals the first where the word does not
// reach beyond it, so that nothing behind the last block is read.
fn word_at(byte: u32) -> u32 {
  let shift = (byte % 4u) * 8u;
  return (blocks[byte / 4u] >> shift) | ((blocks[(byte + 3u) / 4u] << (31u - shift)) << 1u);
}
