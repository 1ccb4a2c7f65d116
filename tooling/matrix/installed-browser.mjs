// Browsers installed on this machine, run without a driver: the page reports to the server it came from.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { servePage } from '../swiftshader/page-server.mjs'

/** Settings that enable WebGPU where a version hides it, and suppress first-start dialogs and downloads. */
const firefoxSettings = {
  'dom.webgpu.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'browser.shell.checkDefaultBrowser': false,
  'browser.aboutwelcome.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'app.normandy.enabled': false,
}

/** Possible command names of each browser, and its arguments beside the address. */
const browsers = {
  firefox: {
    commands: [['firefox-esr'], ['firefox']],
    options(folder) {
      writeFileSync(
        join(folder, 'user.js'),
        Object.entries(firefoxSettings)
          .map(([key, value]) => `user_pref(${JSON.stringify(key)}, ${value});\n`)
          .join(''),
      )
      return ['--headless', '--no-remote', '--profile', folder]
    },
  },
  webkit: {
    // WebKit's own browser for GTK, which needs a display: one in memory.
    commands: [['xvfb-run', '--auto-servernum', '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser']],
    options: () => [],
    // As Safari has it: this port keeps shared memory back even from pages that are isolated.
    environment: { JSC_useSharedArrayBuffer: '1' },
  },
}

export const installedBrowsers = Object.keys(browsers)

/** The command and version of a browser; undefined where it is not installed. */
export function findBrowser(name) {
  for (const command of browsers[name].commands) {
    try {
      const [program, ...parameters] = command
      const said = execFileSync(program, [...parameters, '--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const version = /\d+(?:\.\d+)+/.exec(said)?.[0]
      if (version !== undefined) return { name, command, version }
    } catch {
      // Another name, or none.
    }
  }
  return undefined
}

const reporting = (argument) => `<!doctype html><meta charset="utf-8"><title>test</title><script type="module">
const report = (answer) => fetch('/report', { method: 'POST', body: JSON.stringify(answer) })
import('/bundle.js').then((module) => module.run(${JSON.stringify(argument)})).then((value) => report({ value }), (error) => report({ error: String(error) }))
</script>`

/** Awaits `run(argument)` of a bundled module in a new browser, and returns its result. */
export async function runInBrowser({ name, command }, entry, argument, { timeoutMs, environment, ...served }) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-browser-'))
  let child
  let server
  try {
    const answer = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
      const settle = (act) => (value) => {
        clearTimeout(timer)
        act(value)
      }
      const fail = settle(reject)
      servePage(entry, {
        ...served,
        html: reporting(argument),
        onReport: settle((body) => resolve(JSON.parse(body))),
      }).then((started) => {
        server = started
        const [program, ...parameters] = command
        child = spawn(program, [...parameters, ...browsers[name].options(folder), server.url], {
          env: { ...environment, ...browsers[name].environment, HOME: folder },
          stdio: 'ignore',
          detached: true,
        })
        child.once('error', fail)
        child.once('exit', (code) => fail(new Error(`the browser ended with ${code} before it answered`)))
      }, fail)
    })
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.value
  } finally {
    server?.close()
    await end(child)
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

/** Ends the browser with all the processes that it started. */
async function end(child) {
  if (child?.pid === undefined || child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid, 'SIGKILL')
  await gone
}
