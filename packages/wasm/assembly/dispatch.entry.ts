// The dispatcher: runs a list of stages, each cut into as many shares as there are threads. Threads draw shares as
// tickets: a thread that the system holds up draws none, and the others do its work, so a busy machine costs only what
// it takes away. Which thread computes a share changes no result. A stage begins when all shares of the one before are
// finished. The state is at fixed addresses, one cache line each, which src/memory/layout.ts reserves.
//
// `pause` and `wake` are called through the table and do nothing after their wait or notify, because the baseline
// compiler of V8 11.3 (Node.js 20) loses locals that it keeps in registers across `memory.atomic.wait32`.

const EPOCH: usize = 1024
/** The run in progress: its stages, their number, and its first ticket (u64 at + 8). */
const PLAN: usize = 1088
const CHANGING: u64 = u64.MAX_VALUE
/** u64: tickets drawn and shares finished since the device was created. */
const DRAWN: usize = 1152
const FINISHED: usize = 1408
/** Changes with each finished stage; waiting threads sleep on it. */
const GENERATION: usize = 1216
const SLEEPERS: usize = 1280
const FAILED: usize = 1344
const QUIT: usize = 1348

/**
 * Polls before a thread sleeps; sleeps of thread 0 within one wait, or rounds of as many polls where it must not sleep;
 * longest sleep of thread 0 and of the others in nanoseconds; table indices of `pause` and `wake`.
 */
const SPINS: usize = 1472
const ROUNDS: usize = 1476
const DEADLINE: usize = 1480
const FOREVER: usize = 1488
const PAUSE: usize = 1496
const WAKE: usize = 1500
/** One word per thread: the value that it waits to see changed. */
const EXPECTED: usize = 1536

/** Results of `run`. */
const DONE: u32 = 0
const LATE: u32 = 1
const TRAPPED: u32 = 2

/** Results of `pause`: those of `memory.atomic.wait32`, of which this is one, and another. */
const TIMED_OUT: u32 = 2
const AWAKE: u32 = 3

/**
 * Runs `count` stages of `plan` (pairs of table index and argument address) together with the workers. Called by thread
 * 0.
 */
export function run(plan: usize, count: u32, threads: u32): u32 {
  if (threads == 1) {
    for (let i: u32 = 0; i < count; i++) callStage(plan, i, 0, 1)
    return DONE
  }
  // All tickets of earlier runs are drawn. While the plan changes, its first ticket reads as CHANGING: a thread that
  // reads the same first ticket before and after the plan has the matching plan.
  atomic.store<u64>(PLAN + 8, CHANGING)
  atomic.store<u32>(PLAN, plan)
  atomic.store<u32>(PLAN + 4, count)
  // This thread is awake and takes the first share; the others must wake. It draws before the plan is visible:
  // otherwise a thread still in the previous run could draw the first ticket, this thread would compute the same share,
  // and no thread the second.
  const first = atomic.add<u64>(DRAWN, 1)
  atomic.store<u64>(PLAN + 8, first)
  atomic.add<u32>(EPOCH, 1)
  call_indirect<void>(load<u32>(WAKE), EPOCH)
  runShare(plan, 0, first, first, threads)
  return execute(plan, count, first, 0, threads)
}

/** Worker loop: waits for work and draws shares, until the device is disposed. */
export function work(thread: u32, threads: u32): void {
  let seen: u32 = 0
  const slot: usize = EXPECTED + ((<usize>thread) << 2)
  for (;;) {
    store<u32>(slot, seen)
    while (atomic.load<u32>(EPOCH) == seen) {
      if (call_indirect<u32>(load<u32>(PAUSE), EPOCH, slot, FOREVER) != AWAKE) atomic.sub<u32>(SLEEPERS, 1)
    }
    if (atomic.load<u32>(QUIT) != 0) return
    seen = atomic.load<u32>(EPOCH)
    // A late thread finds a plan whose tickets are all drawn, and does nothing; or the next plan, which may replace
    // this one between two of these loads.
    let first: u64, plan: u32, count: u32
    do {
      first = atomic.load<u64>(PLAN + 8)
      plan = atomic.load<u32>(PLAN)
      count = atomic.load<u32>(PLAN + 4)
    } while (first == CHANGING || atomic.load<u64>(PLAN + 8) != first)
    if (execute(plan, count, first, thread, threads) == TRAPPED) return
  }
}

/**
 * Polls the word at `address` while it equals the word at `slot`, then sleeps once, for at most the time at `timeout`
 * (0: not at all). Returns AWAKE if it did not sleep, TIMED_OUT if it slept for all of it.
 */
export function pause(address: usize, slot: usize, timeout: usize): u32 {
  let spins = load<u32>(SPINS)
  while (atomic.load<u32>(address) == load<u32>(slot)) {
    if (spins == 0) {
      if (load<i64>(timeout) == 0) return AWAKE
      // The caller decrements it again.
      atomic.add<u32>(SLEEPERS, 1)
      return atomic.wait<u32>(address, load<u32>(slot), load<i64>(timeout))
    }
    spins -= 1
  }
  return AWAKE
}

/** Wakes all threads that sleep at `address`. */
export function wake(address: usize): void {
  if (atomic.load<u32>(SLEEPERS) != 0) atomic.notify(address, -1)
}

@inline
function callStage(plan: usize, index: u32, share: u32, shares: u32): void {
  const stage = plan + ((<usize>index) << 3)
  call_indirect<void>(load<u32>(stage), load<u32>(stage + 4), share, shares)
}

/** Runs the share of a ticket; the last share of a stage wakes the waiting threads. */
function runShare(plan: usize, index: u32, ticket: u64, first: u64, threads: u32): void {
  callStage(plan, index, <u32>(ticket - first), threads)
  if (atomic.add<u64>(FINISHED, 1) + 1 == first + threads) {
    atomic.add<u32>(GENERATION, 1)
    call_indirect<void>(load<u32>(WAKE), GENERATION)
  }
}

/** Draws shares of `count` stages until none is left, and returns when all are finished. */
function execute(plan: usize, count: u32, first: u64, thread: u32, threads: u32): u32 {
  for (let i: u32 = 0; i < count; i++, first += threads) {
    for (;;) {
      const ticket = atomic.load<u64>(DRAWN)
      if (ticket - first >= <u64>threads) break
      if (atomic.cmpxchg<u64>(DRAWN, ticket, ticket + 1) != ticket) continue
      // Only with a ticket in hand is the plan certain to be the running one.
      runShare(plan, i, ticket, first, threads)
    }
    const result = join(first + threads, thread)
    if (result != DONE) return result
  }
  return DONE
}

/** Waits until `target` shares are finished. */
function join(target: u64, thread: u32): u32 {
  const slot: usize = EXPECTED + ((<usize>thread) << 2)
  let rounds = load<u32>(ROUNDS)
  for (;;) {
    // Reads the generation first: a stage that finishes after the check changes it.
    const generation = atomic.load<u32>(GENERATION)
    if (atomic.load<u64>(FINISHED) >= target) return DONE
    if (atomic.load<u32>(FAILED) != 0) return TRAPPED
    store<u32>(slot, generation)
    const woken = call_indirect<u32>(load<u32>(PAUSE), GENERATION, slot, thread == 0 ? DEADLINE : FOREVER)
    if (woken != AWAKE) atomic.sub<u32>(SLEEPERS, 1)
    if (thread == 0 && (woken == TIMED_OUT || (woken == AWAKE && atomic.load<u32>(GENERATION) == generation))) {
      rounds -= 1
      if (rounds == 0) return LATE
    }
  }
  return DONE
}
