// Position of a lane in its workgroup, counted subgroup by subgroup: WGSL leaves open which lanes form a subgroup.
struct Invocation {
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_size) subgroup_size: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
}

// 4 to 128, a power of two.
var<private> subgroup_width: u32;

fn position_of(invocation: Invocation) -> u32 {
  subgroup_width = invocation.subgroup_size;
  return invocation.subgroup * invocation.subgroup_size + invocation.in_subgroup;
}
