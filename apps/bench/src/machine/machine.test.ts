import { spawn } from 'node:child_process'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { monitorLoad, shareOfOthers } from './load-monitor.ts'
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

describe('shareOfOthers', () => {
  const before = { busyMs: 500, allMs: 1000, treeMs: 100 }

  it('leaves out what the measured processes took', () => {
    expect(shareOfOthers(before, { busyMs: 1100, allMs: 2000, treeMs: 450 })).toBe(0.25)
    expect(shareOfOthers(before, { busyMs: 1100, allMs: 2000, treeMs: 710 })).toBe(0)
    expect(shareOfOthers(before, before)).toBeUndefined()
  })
})

describe.runIf(process.platform === 'linux')('monitorLoad', () => {
  it('sees a busy process as another one, unless it is the measured one', async () => {
    const busy = spawn(process.execPath, ['-e', 'for (const end = Date.now() + 10000; Date.now() < end; );'])
    const idle = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 10000)'])
    try {
      await wait(200)
      const readings = [monitorLoad(busy.pid ?? -1), monitorLoad(idle.pid ?? -1)]
      await wait(1500)
      const [withoutBusy = -1, withoutIdle = -1] = readings.map((stop) => stop())
      expect(withoutBusy).toBeGreaterThanOrEqual(0)
      expect(withoutIdle).toBeGreaterThan(withoutBusy)
    } finally {
      busy.kill()
      idle.kill()
    }
  })
})

describe.runIf(process.platform === 'linux')('peakBytesOfDescendants', () => {
  it('sees the memory of a descendant by its command line', async () => {
    const child = spawn(process.execPath, [
      '-e',
      'globalThis.held = Buffer.alloc(200 * 2 ** 20, 1); setTimeout(() => {}, 20000)',
      '--',
      '--type=hoarder',
    ])
    try {
      await expect
        .poll(() => peakBytesOfDescendants(process.pid, '--type=hoarder') / 2 ** 20, { timeout: 10_000 })
        .toBeGreaterThan(200)
      expect(peakBytesOfDescendants(process.pid, '--type=nobody')).toBe(0)
    } finally {
      child.kill()
    }
  })
})
