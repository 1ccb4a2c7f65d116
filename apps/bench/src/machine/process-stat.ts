import { readdirSync, readFileSync } from 'node:fs'

/** The relevant fields of one line of `/proc/PID/stat`. */
export interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /**
   * Processor time of the process, its threads and the children that it waited for, in clock ticks (100 a second on
   * Linux).
   */
  readonly ticks: number
}

/** The name in parentheses may contain spaces and parentheses, so fields are counted from the last one. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const parent = Number(fields[1])
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0)
  const pid = Number.parseInt(text, 10)
  return Number.isInteger(pid) && Number.isInteger(parent) && Number.isFinite(ticks)
    ? { pid, parent, ticks }
    : undefined
}

/** `root` and all its descendants. */
export function processTree(stats: readonly ProcessStat[], root: number): readonly ProcessStat[] {
  const children = new Map<number, ProcessStat[]>()
  for (const stat of stats) children.set(stat.parent, [...(children.get(stat.parent) ?? []), stat])
  const found = stats.filter(({ pid }) => pid === root)
  // The list grows while it is walked.
  for (const { pid } of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** All running processes; undefined without `/proc`. */
export function readProcesses(): readonly ProcessStat[] | undefined {
  let names: readonly string[]
  try {
    names = readdirSync('/proc')
  } catch {
    return undefined
  }
  const stats: ProcessStat[] = []
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = parseProcessStat(readFileSync(`/proc/${name}/stat`, 'utf8'))
      if (stat) stats.push(stat)
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  return stats.length === 0 ? undefined : stats
}

/** Peak memory of `root` or a descendant whose command line contains `text`, in bytes; 0 if there is none. */
export function peakBytesOfDescendants(root: number, text: string): number {
  let peak = 0
  for (const { pid } of processTree(readProcesses() ?? [], root)) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)) continue
      const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      peak = Math.max(peak, 1024 * Number(kibibytes ?? 0))
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  return peak
}
