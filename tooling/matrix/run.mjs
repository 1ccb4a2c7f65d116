/**
 * `node tooling/matrix/run.mjs [NAME…]` runs the tiny model on the runtimes of runtimes/package.json, in Chromium, and
 * in those of Firefox and WebKit that this machine has, and writes what happened to results.json; names (node-20, bun,
 * chromium, …) restrict it to some. It needs built packages and, for the first time, the network. Linux on x64 only, as
 * the Chromium and the SwiftShader of npm are.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, promisify } from 'node:util'
import { launchChromium, runInChromium } from '../swiftshader/chromium.mjs'
import { unpackSwiftShader } from '../swiftshader/index.mjs'
import { findBrowser, installedBrowsers, runInBrowser } from './installed-browser.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const readJson = (path) => JSON.parse(readFileSync(here(path), 'utf8'))
const limitMs = 180_000

const program = here('program.mjs')
const installed = (path) => here(`runtimes/node_modules/${path}`)
const wasm = { 'wasm-1': ['wasm', '1'], 'wasm-2': ['wasm', '2'] }
const node = (name) => ({ command: [installed(`${name}/bin/node`), program], runs: { ...wasm, webgpu: ['webgpu'] } })
const runtimes = {
  'node-20': node('node-20'),
  'node-22': node('node-22'),
  'node-24': node('node-24'),
  'node-26': node('node-26'),
  bun: {
    command: [installed('bun/bin/bun'), program],
    runs: { ...wasm, webgpu: ['webgpu'], 'own-webgpu': ['own-webgpu'] },
  },
  deno: {
    command: [installed('deno/deno'), 'run', '--allow-all', program],
    runs: { ...wasm, webgpu: ['webgpu'], 'own-webgpu': ['own-webgpu'] },
  },
}

const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
const pages = {
  'wasm-1': { options: { device: 'wasm', threads: 1 }, headers: isolated },
  'wasm-2': { options: { device: 'wasm', threads: 2 }, headers: isolated },
  'wasm-without-isolation': { options: { device: 'wasm' }, headers: {} },
  webgpu: { options: { device: 'webgpu' }, headers: isolated },
  'webgpu-without-isolation': { options: { device: 'webgpu' }, headers: {} },
}

const swiftShader = unpackSwiftShader()
if (!swiftShader) throw new Error('matrix: this machine is not Linux on x64, for which the runtimes are pinned')
if (!existsSync(here('../../packages/tessera/dist/node.js')))
  throw new Error('matrix: the packages are not built; run npm run build')
const known = [...Object.keys(runtimes), 'chromium', ...installedBrowsers]
const asked = process.argv.slice(2)
const names = asked.length > 0 ? asked : known.filter((name) => !installedBrowsers.includes(name) || findBrowser(name))
const unknown = names.filter((name) => !known.includes(name))
if (unknown.length > 0)
  throw new Error(`matrix: there is no runtime ${unknown.join(', ')}; known are ${known.join(', ')}`)

const environment = {
  ...process.env,
  NO_COLOR: '1',
  VK_ICD_FILENAMES: swiftShader.driver,
  VK_DRIVER_FILES: swiftShader.driver,
  LD_LIBRARY_PATH: swiftShader.directory,
}
const { text: prompt, greedy } = readJson('../../packages/tiny-model/model/golden.json').prompts[0]

/** A result is ok when the tokens are those of PyTorch. */
const judge = (answer) =>
  isDeepStrictEqual(answer.tokens, greedy.slice(0, 16))
    ? { ok: true, ...answer }
    : { ok: false, reason: 'other tokens than the reference', ...answer }

/** The line of an uncaught error that says what is wrong, without paths of this machine. */
function reasonOf({ stdout = '', stderr = '', signal, killed, message }) {
  if (killed) return `no end within ${limitMs / 1000} s`
  const line =
    `${stderr}\n${stdout}`.split('\n').find((text) => /^(error: |Uncaught |\w*Error\b)/.test(text)) ??
    (signal ? `ended by ${signal}` : message)
  return line.trim().replaceAll(here('../..'), '')
}

async function runProgram([command, ...parameters], run) {
  try {
    const { stdout } = await promisify(execFile)(command, [...parameters, ...run], {
      cwd: here('../..'),
      env: environment,
      timeout: limitMs,
      killSignal: 'SIGKILL',
    })
    return judge(JSON.parse(stdout))
  } catch (error) {
    return { ok: false, reason: reasonOf(error) }
  }
}

/** `open` runs a page in a browser. */
async function runPage(open, { options, headers }) {
  const files = new Map([['/tiny.gguf', readFileSync(here('../../packages/tiny-model/model/tiny.gguf'))]])
  try {
    return judge(
      await open(here('page.mjs'), { options, prompt }, { files, headers, conditions: [], timeoutMs: limitMs }),
    )
  } catch (error) {
    return { ok: false, reason: reasonOf({ message: String(error).split('\n')[0] }) }
  }
}

async function measure(name) {
  const rows = []
  const add = (version, run, result) => {
    rows.push({ runtime: name, version, run, ...result })
    console.log(`${name} ${version} ${run}: ${result.ok ? `ok, ${result.device}` : result.reason}`)
  }
  if (name === 'chromium') {
    const browser = await launchChromium()
    try {
      for (const [run, page] of Object.entries(pages))
        add(browser.version(), run, await runPage((...page) => runInChromium(browser, ...page), page))
    } finally {
      await browser.close()
    }
  } else if (installedBrowsers.includes(name)) {
    const browser = findBrowser(name)
    if (!browser) throw new Error(`matrix: ${name} is not installed here`)
    for (const [run, page] of Object.entries(pages))
      add(
        browser.version,
        run,
        await runPage(
          (entry, argument, options) => runInBrowser(browser, entry, argument, { ...options, environment }),
          page,
        ),
      )
  } else {
    const { command, runs } = runtimes[name]
    const { version } = readJson(`runtimes/node_modules/${name}/package.json`)
    for (const [run, parameters] of Object.entries(runs)) add(version, run, await runProgram(command, parameters))
  }
  return rows
}

if (names.some((name) => Object.hasOwn(runtimes, name)))
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: here('runtimes'),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
const kept = existsSync(here('results.json')) ? readJson('results.json') : []
const rows = kept.filter(({ runtime }) => !names.includes(runtime))
for (const name of names) rows.push(...(await measure(name)))
rows.sort((a, b) => known.indexOf(a.runtime) - known.indexOf(b.runtime))
writeFileSync(here('results.json'), `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`)
