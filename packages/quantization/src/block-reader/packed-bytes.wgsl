// Codes as bytes of a word, for `dot4I8Packed`.

// The low nibbles of the four bytes of a word.
fn nibble_bytes_of(word: u32) -> u32 { return word & 0x0f0f0f0fu; }

// The lowest four bits, one a byte.
fn bit_bytes_of(bits: u32) -> u32 { return ((bits & 15u) * 0x00204081u) & 0x01010101u; }

// Each byte, of 0 to 127, less n.
fn bytes_less(bytes: u32, n: u32) -> u32 { return ((bytes | 0x80808080u) - n * 0x01010101u) ^ 0x80808080u; }

fn packed_scale_of(row: u32, k: u32) -> vec2<f32> { return scale_of(row, k); }
