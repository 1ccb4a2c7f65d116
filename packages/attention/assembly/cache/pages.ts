// Pages of keys and values: block `block` of a sequence is in page table[batch, block mod pages].

@inline
export function pageOf(table: usize, pages: u32, batch: u32, block: u32): u32 {
  return load<u32>(table + ((batch * pages + (block % pages)) << 2))
}
