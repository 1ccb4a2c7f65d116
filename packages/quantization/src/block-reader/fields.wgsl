// Fields of stored blocks, by their byte offset in the part `blocks`.
// Prelude: BLOCK (weights), BLOCK_BYTES; word_at.

// Byte offset of the block of weight k of a row.
fn block_of(row: u32, k: u32) -> u32 { return (row * (params.columns / BLOCK) + k / BLOCK) * BLOCK_BYTES; }

fn byte_at(byte: u32) -> u32 { return (blocks[byte / 4u] >> ((byte % 4u) * 8u)) & 0xffu; }

// The f16 at an even offset.
fn half_at(byte: u32) -> f32 { return unpack2x16float(blocks[byte / 4u] >> ((byte % 4u) * 8u)).x; }

// The low nibbles of the four bytes of a word.
fn nibbles_of(word: u32) -> vec4<u32> { return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(15u); }

// The lowest four bits, each as a fifth bit (0 or 16).
fn fifth_bits_of(bits: u32) -> vec4<u32> { return ((vec4<u32>(bits) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u)) << vec4<u32>(4u); }
