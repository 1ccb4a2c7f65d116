// Blocks of whole words: every field that is read as a word starts at one.
fn word_at(byte: u32) -> u32 { return blocks[byte / 4u]; }
