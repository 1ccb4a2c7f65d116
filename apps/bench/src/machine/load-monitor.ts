import { cpus } from 'node:os'
import { processTree, readProcesses } from './process-stat.ts'

/** Milliseconds per tick of `/proc`: Linux reports 100 a second to user space on every architecture. */
const tickMs = 10

/** Milliseconds of processor time since boot: of all processors, busy and total, and of the measured processes. */
export interface Reading {
  readonly busyMs: number
  readonly allMs: number
  readonly treeMs: number
}

/**
 * Starts to watch the machine. The returned function tells which share of its processors was taken by others than `pid`
 * and its descendants since. Undefined off Linux. Time that a hypervisor stole is invisible.
 */
export function monitorLoad(pid: number): () => number | undefined {
  const before = read(pid)
  return () => {
    const after = read(pid)
    return before && after && shareOfOthers(before, after)
  }
}

/**
 * Undefined if no time has passed. The two clocks tick at different moments, so a difference may be slightly below 0.
 */
export function shareOfOthers(before: Reading, after: Reading): number | undefined {
  if (after.allMs <= before.allMs) return undefined
  const others = after.busyMs - before.busyMs - (after.treeMs - before.treeMs)
  return Math.min(1, Math.max(0, others / (after.allMs - before.allMs)))
}

function read(pid: number): Reading | undefined {
  const stats = readProcesses()
  if (!stats) return undefined
  let busyMs = 0
  let allMs = 0
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq
    busyMs += busy
    allMs += busy + times.idle
  }
  // The bench itself only waits, but its work belongs to the measurement.
  const own = stats.find((stat) => stat.pid === process.pid)?.ticks ?? 0
  return { busyMs, allMs, treeMs: tickMs * (own + processTree(stats, pid).reduce((sum, { ticks }) => sum + ticks, 0)) }
}
