// The dispatcher: runs a list of stages on every thread, a barrier after each. Its state lies at fixed addresses, one cache
// line each, which src/memory/layout.ts reserves.
//
// `pause` and `wake` are called through the table and do nothing after their wait or notify, because the baseline compiler of
// V8 11.3 (Node.js 20) loses locals that it keeps in registers across `memory.atomic.wait32`.

const EPOCH: usize = 1024
const PLAN: usize = 1088
const ARRIVED: usize = 1152
const GENERATION: usize = 1216
const SLEEPERS: usize = 1280
const FAILED: usize = 1344
const QUIT: usize = 1408

/**
 * Polls before a thread sleeps; how often thread 0 polls so many times where it must not sleep; longest sleep of thread 0 and of
 * the others in nanoseconds; where `pause` and `wake` are in the table.
 */
const SPINS: usize = 1472
const ROUNDS: usize = 1476
const DEADLINE: usize = 1480
const FOREVER: usize = 1488
const PAUSE: usize = 1496
const WAKE: usize = 1500
/** One word for each thread: the value that it waits to see changed. */
const EXPECTED: usize = 1536

/** What `run` returns. */
const DONE: u32 = 0
const LATE: u32 = 1
const TRAPPED: u32 = 2

/** What `pause` returns beside the results of `memory.atomic.wait32`. */
const AWAKE: u32 = 3

/** Runs `count` stages of `plan` (pairs of table index and argument address) together with the workers. Called by thread 0. */
export function run(plan: usize, count: u32, threads: u32): u32 {
  if (threads > 1) {
    store<u32>(PLAN, plan)
    store<u32>(PLAN + 4, count)
    atomic.add<u32>(EPOCH, 1)
    call_indirect<void>(load<u32>(WAKE), EPOCH)
  }
  return execute(plan, count, 0, threads)
}

/** The loop of a worker: waits for work, does its share, until the device is disposed. */
export function work(thread: u32, threads: u32): void {
  let seen: u32 = 0
  const slot: usize = EXPECTED + (<usize>thread << 2)
  for (;;) {
    store<u32>(slot, seen)
    while (atomic.load<u32>(EPOCH) == seen) {
      if (call_indirect<u32>(load<u32>(PAUSE), EPOCH, slot, FOREVER) != AWAKE) atomic.sub<u32>(SLEEPERS, 1)
    }
    if (atomic.load<u32>(QUIT) != 0) return
    seen += 1
    if (execute(load<u32>(PLAN), load<u32>(PLAN + 4), thread, threads) == TRAPPED) return
  }
}

/** Polls the word at `address` while it is what `slot` holds, then sleeps once, for at most the time at `timeout` (0: not at all). Returns AWAKE when it did not sleep, 2 when the time was over. */
export function pause(address: usize, slot: usize, timeout: usize): u32 {
  let spins = load<u32>(SPINS)
  while (atomic.load<u32>(address) == load<u32>(slot)) {
    if (spins == 0) {
      if (load<i64>(timeout) == 0) return AWAKE
      // The caller counts itself off again.
      atomic.add<u32>(SLEEPERS, 1)
      return atomic.wait<u32>(address, load<u32>(slot), load<i64>(timeout))
    }
    spins -= 1
  }
  return AWAKE
}

/** Wakes whoever sleeps at `address`. */
export function wake(address: usize): void {
  if (atomic.load<u32>(SLEEPERS) != 0) atomic.notify(address, -1)
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
  const slot: usize = EXPECTED + (<usize>thread << 2)
  store<u32>(slot, generation)
  if (atomic.add<u32>(ARRIVED, 1) == threads - 1) {
    atomic.store<u32>(ARRIVED, 0)
    atomic.add<u32>(GENERATION, 1)
    call_indirect<void>(load<u32>(WAKE), GENERATION)
    return DONE
  }
  let rounds = load<u32>(ROUNDS)
  while (atomic.load<u32>(GENERATION) == generation) {
    // A trap that came before this thread did changes the generation no more.
    if (atomic.load<u32>(FAILED) != 0) return TRAPPED
    const woken = call_indirect<u32>(load<u32>(PAUSE), GENERATION, slot, thread == 0 ? DEADLINE : FOREVER)
    if (woken != AWAKE) atomic.sub<u32>(SLEEPERS, 1)
    else if (thread == 0) {
      if (rounds == 0) return LATE
      rounds -= 1
    }
    if (woken == 2) return LATE
  }
  return atomic.load<u32>(FAILED) != 0 ? TRAPPED : DONE
}
