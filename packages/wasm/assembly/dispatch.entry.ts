// The dispatcher: runs a list of stages on every thread, a barrier after each. Its state lies at fixed addresses, one cache
// line each, which src/memory/layout.ts reserves.

const EPOCH: usize = 1024
const PLAN: usize = 1088
const ARRIVED: usize = 1152
const GENERATION: usize = 1216
const SLEEPERS: usize = 1280
const FAILED: usize = 1344
const QUIT: usize = 1408

/** Polls before a thread sleeps, and the longest sleep at a barrier in nanoseconds; both written by the device. */
const SPINS: usize = 1472
const DEADLINE: usize = 1480

/**
 * One word for each thread: what it expects to find when it goes to sleep. V8 11.3's baseline compiler overwrites the register
 * of a local that is the expected value of `memory.atomic.wait32`, so that value must come from memory.
 */
const EXPECTED: usize = 1536

/** What `run` returns. */
const DONE: u32 = 0
const LATE: u32 = 1
const TRAPPED: u32 = 2

/** Runs `count` stages of `plan` (pairs of table index and argument address) together with the workers. Called by thread 0. */
export function run(plan: usize, count: u32, threads: u32): u32 {
  if (threads > 1) {
    store<u32>(PLAN, plan)
    store<u32>(PLAN + 4, count)
    atomic.add<u32>(EPOCH, 1)
    if (atomic.load<u32>(SLEEPERS) != 0) atomic.notify(EPOCH, -1)
  }
  return execute(plan, count, 0, threads)
}

/** The loop of a worker: waits for work, does its share, until the device is disposed. */
export function work(thread: u32, threads: u32): void {
  let seen: u32 = 0
  for (;;) {
    let spins = load<u32>(SPINS)
    while (atomic.load<u32>(EPOCH) == seen) {
      if (spins > 0) {
        spins -= 1
        continue
      }
      atomic.add<u32>(SLEEPERS, 1)
      store<u32>(EXPECTED + (thread << 2), seen)
      atomic.wait<u32>(EPOCH, load<u32>(EXPECTED + (thread << 2)), -1)
      atomic.sub<u32>(SLEEPERS, 1)
    }
    if (atomic.load<u32>(QUIT) != 0) return
    seen += 1
    if (execute(load<u32>(PLAN), load<u32>(PLAN + 4), thread, threads) == TRAPPED) return
  }
}

function execute(plan: usize, count: u32, thread: u32, threads: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    const stage = plan + (i << 3)
    call_indirect<void>(load<u32>(stage), load<u32>(stage + 4), thread, threads)
    if (threads > 1) {
      const result = barrier(thread, threads)
      if (result != DONE) return result
    }
  }
  return DONE
}

function barrier(thread: u32, threads: u32): u32 {
  const generation = atomic.load<u32>(GENERATION)
  if (atomic.add<u32>(ARRIVED, 1) == threads - 1) {
    atomic.store<u32>(ARRIVED, 0)
    atomic.add<u32>(GENERATION, 1)
    if (atomic.load<u32>(SLEEPERS) != 0) atomic.notify(GENERATION, -1)
    return DONE
  }
  let spins = load<u32>(SPINS)
  while (atomic.load<u32>(GENERATION) == generation) {
    if (spins > 0) {
      spins -= 1
      continue
    }
    if (atomic.load<u32>(FAILED) != 0) return TRAPPED
    // A negative deadline says that this thread must not sleep: the main thread of a page.
    if (thread == 0 && load<i64>(DEADLINE) < 0) {
      spins = 1024
      continue
    }
    atomic.add<u32>(SLEEPERS, 1)
    store<u32>(EXPECTED + (thread << 2), generation)
    const woken = thread == 0 ? atomic.wait<u32>(GENERATION, load<u32>(EXPECTED), load<i64>(DEADLINE)) : atomic.wait<u32>(GENERATION, load<u32>(EXPECTED + (thread << 2)), -1)
    atomic.sub<u32>(SLEEPERS, 1)
    if (woken == 2) return LATE
  }
  return atomic.load<u32>(FAILED) != 0 ? TRAPPED : DONE
}
