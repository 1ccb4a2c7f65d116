// Merges the partly written first and last word of an upload that does not begin or end at a word.
// edges: (word index, mask of the bytes to keep, new bytes, unused) per edge.
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3<u32>) {
  let index = edges[id.x * 4u];
  words[index] = (words[index] & edges[id.x * 4u + 1u]) | edges[id.x * 4u + 2u];
}
