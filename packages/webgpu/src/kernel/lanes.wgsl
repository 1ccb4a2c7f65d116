// Position of a lane in its workgroup.
struct Invocation {
  @builtin(local_invocation_index) local: u32,
}

fn position_of(invocation: Invocation) -> u32 { return invocation.local; }
