import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const entry = new URL('../dist/index.js', import.meta.url).href
const folder = fileURLToPath(new URL('..', import.meta.url))

/** Runs a module in its own Node.js process; rejects if the process does not end by itself. */
const run = (body: string): Promise<{ readonly code: number | null; readonly output: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '--eval', `import { createWasmDevice } from '${entry}'\n${body}`],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the process does not end; it printed: ${output}`))
    }, 20_000)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })

const begin = `const device = await createWasmDevice({ kernels: [], threads: 3 })
const x = device.tensor(Float32Array.of(1, 2), [2])
console.log(device.wasm.threads, [...await device.read(x)])
`

test.each([
  ['without disposing its device', ''],
  ['after disposing it', 'await device.dispose()'],
  ['with an error that nobody handles', 'throw new Error("stop")'],
])('a program ends by itself %s', async (_, end) => {
  const { code, output } = await run(begin + end)
  expect(output).toContain('3 [ 1, 2 ]')
  expect(code).toBe(end.startsWith('throw') ? 1 : 0)
})
