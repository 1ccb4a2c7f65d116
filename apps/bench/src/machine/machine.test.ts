import { spawn } from 'node:child_process'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { monitorLoad } from './load-monitor.ts'
import { describeMachine } from './machine.ts'
import { parseProcessStat, peakBytesOfDescendants, processTree } from './process-stat.ts'

describe('parseProcessStat', () => {
  it('counts the fields after a name that tries to confuse it', () => {
    const line = '4242 (a) 1 2 (b)) S 17 4242 4242 0 -1 4194304 12 0 0 0 100 20 3 4 20 0 7 0 12345 0 0'
    expect(parseProcessStat(line)).toEqual({ pid: 4242, parent: 17, ticks: 127 })
  })

  it('gives nothing for a line that is not one', () => {
    expect(parseProcessStat('nothing')).toBeUndefined()
  })
})

describe('processTree', () => {
  it('finds children of children and nothing else', () => {
    const stat = (pid: number, parent: number) => ({ pid, parent, ticks: 1 })
    const stats = [stat(1, 0), stat(5, 4), stat(2, 1), stat(4, 3), stat(3, 1), stat(9, 2)]
    expect(processTree(stats, 3).map(({ pid }) => pid)).toEqual([3, 4, 5])
  })
})

describe('describeMachine', () => {
  it('names no host', () => {
    const machine = describeMachine()
    expect(machine.processors).toBeGreaterThan(0)
    expect(JSON.stringify(machine)).not.toContain(hostname())
  })
})

describe.runIf(process.platform === 'linux')('monitorLoad', () => {
  const burn = () => spawn(process.execPath, ['-e', 'for (const end = Date.now() + 5000; Date.now() < end; );'])

  it('counts what others take and not what the watched process takes', async () => {
    const busy = burn()
    const idle = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 5000)'])
    try {
      await wait(200)
      const readings = [monitorLoad(busy.pid ?? -1), monitorLoad(idle.pid ?? -1)]
      await wait(1000)
      const [withoutBusy = -1, withoutIdle = -1] = readings.map((stop) => stop() ?? -1)
      expect(withoutBusy).toBeGreaterThanOrEqual(0)
      // Of the two, only the second sees the busy process as another's.
      expect(withoutIdle).toBeGreaterThan(withoutBusy + 0.3 / describeMachine().processors)
    } finally {
      busy.kill()
      idle.kill()
    }
  })
})

describe.runIf(process.platform === 'linux')('peakBytesOfDescendants', () => {
  it('sees the memory of a descendant by its command line', async () => {
    const child = spawn(process.execPath, ['-e', 'globalThis.held = Buffer.alloc(200 * 2 ** 20, 1); setTimeout(() => {}, 20000)', '--', '--type=hoarder'])
    try {
      await expect.poll(() => peakBytesOfDescendants(process.pid, '--type=hoarder') / 2 ** 20, { timeout: 10_000 }).toBeGreaterThan(200)
      expect(peakBytesOfDescendants(process.pid, '--type=nobody')).toBe(0)
    } finally {
      child.kill()
    }
  })
})
