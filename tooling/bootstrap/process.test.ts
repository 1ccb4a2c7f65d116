import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'

const program = join(import.meta.dirname, 'run.mjs')
const processUrl = pathToFileURL(join(import.meta.dirname, 'process.mjs')).href

/** A Node program that runs another by `run` and ends with its exit code. */
const wrapper = (inner: string): string[] => [
  '--input-type=module',
  '-e',
  `import { run } from ${JSON.stringify(processUrl)}\nprocess.exitCode = await run(process.execPath, ['-e', ${JSON.stringify(inner)}])`,
]

describe('run', () => {
  test.each([
    ['the exit code', 'process.exit(7)', 7],
    ['success', '', 0],
    ['128 + its number for a signal', `process.kill(process.pid, 'SIGKILL')`, 137],
  ])('gives %s', (_, inner, code) => {
    expect(spawnSync(process.execPath, wrapper(inner)).status).toBe(code)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'passes %s on and waits for what the program does about it',
    async (signal) => {
      const inner = `process.on('${signal}', () => { console.log('tidying up'); setTimeout(() => process.exit(42), 50) }); setInterval(() => {}, 1000); console.log('ready')`
      const child = spawn(process.execPath, wrapper(inner), { stdio: ['ignore', 'pipe', 'inherit'] })
      let output = ''
      child.stdout.on('data', (data) => {
        output += String(data)
        if (output === 'ready\n') child.kill(signal)
      })
      expect(await once(child, 'close')).toEqual([42, null])
      expect(output).toBe('ready\ntidying up\n')
    },
  )

  test('says what could not be started', () => {
    const { status, stderr } = spawnSync(process.execPath, [
      '--input-type=module',
      '-e',
      `import { run } from ${JSON.stringify(processUrl)}\nprocess.exitCode = await run('no-such-program', [])`,
    ])
    expect(status).toBe(1)
    expect(String(stderr)).toContain('no-such-program could not be started')
  })
})

describe('run.mjs', () => {
  test('lists every task and ends with 2 for one that does not exist, before it installs anything', () => {
    const { status, stderr } = spawnSync(process.execPath, [program, 'nonsense'])
    expect(status).toBe(2)
    for (const task of ['demo', 'tessera', 'test', 'build', 'typecheck', 'lint', 'bench'])
      expect(String(stderr)).toMatch(new RegExp(`^  ${task} +\\w`, 'm'))
  })
})
