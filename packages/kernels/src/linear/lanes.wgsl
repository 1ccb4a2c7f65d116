// How the lanes of a workgroup find their place and add up what they have, through workgroup memory.
// Prelude: LANES, WORKGROUP.
struct Invocation {
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
}

fn position_of(invocation: Invocation) -> u32 { return invocation.local; }
