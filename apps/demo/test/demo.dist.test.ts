import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url))
const javascript = new URL('../../../tooling/bootstrap/javascript.mjs', import.meta.url)

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs Node to its end; `meanwhile` sees what stdout holds so far. */
function node(
  argv: readonly string[],
  meanwhile: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (piece: Buffer) => {
      stdout += piece.toString()
      meanwhile(stdout, (signal) => child.kill(signal))
    })
    child.stderr.on('data', (piece: Buffer) => {
      stderr += piece.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

beforeAll(async () => {
  const { code, stderr } = await node([
    '--input-type=module',
    '--eval',
    `const { buildJavaScript } = await import(${JSON.stringify(javascript.href)}); await buildJavaScript('@tessera-app/demo')`,
  ])
  expect(code, stderr).toBe(0)
})

test('the built demo runs to its closing table within two minutes, with relaxed SIMD', async () => {
  const begin = performance.now()
  const { code, stdout, stderr } = await node([program])
  expect(code, stdout + stderr).toBe(0)
  expect(performance.now() - begin).toBeLessThan(120_000)
  expect(stderr).toBe('')
  expect(stdout).toMatch(
    /── what it took\ndevice .*\n─.*\nwasm \(\d+ threads?, relaxed SIMD(?:, byte dot products)?\) .*\nwasm \(1 thread, relaxed SIMD(?:, byte dot products)?\) .*\nwebgpu \(.*\nreference \(float64\) /,
  )
})

test('Ctrl-C ends the built demo at once', async () => {
  let sent = false
  const { code, stdout, stderr } = await node([program, '--max-tokens', '200'], (text, kill) => {
    if (!text.includes('Our country has') || sent) return
    sent = true
    // Twice, as where a runner passes it on.
    kill('SIGINT')
    kill('SIGINT')
  })
  expect({ code, stderr }).toEqual({ code: 130, stderr: 'demo: interrupted\n' })
  expect(stdout).not.toContain('what it took')
})

test('a wrong option ends with 2, a missing model with 1', async () => {
  expect(await node([program, '--modell', 'x'])).toMatchObject({ code: 2, stdout: '' })
  expect(await node([program, '--model', 'no/such.gguf'])).toMatchObject({ code: 1, stdout: '' })
})
