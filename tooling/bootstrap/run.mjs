// Brings everything that a fresh clone lacks, then runs one task: node tooling/bootstrap/run.mjs TASK [ARGUMENTS]
// Dependency-free: it runs before anything is installed. The task's arguments, exit code and signals pass through.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { install, pnpm } from './install.mjs'
import { buildJavaScript } from './javascript.mjs'
import { must, root } from './process.mjs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Tessera needs Node.js 20.19 or later; this is ${process.versions.node}.`)
  process.exit(1)
}

const node = (file, ...args) => must(process.execPath, [join(root, file), ...args])
const biome = 'node_modules/@biomejs/biome/bin/biome'
const turbo = (task, args) => pnpm('exec', 'turbo', 'run', task, '--output-logs=errors-only', ...args)
const assembly = async () => {
  if (existsSync(join(root, 'tooling/assembly/build.mjs'))) await node('tooling/assembly/build.mjs')
}

/** Each task: what it installs (apps, or everything), what it does, and what `help` says of it. */
const tasks = {
  demo: {
    help: 'run the demo: one model on every device, with what it cost; --model PATH for your own',
    apps: ['@tessera-app/demo'],
    async start(args) {
      await buildJavaScript('@tessera-app/demo')
      await node('apps/demo/dist/index.js', ...args)
    },
  },
  tessera: {
    help: 'run the command tessera from this clone, such as: npm run tessera -- chat MODEL.gguf',
    apps: ['@tessera-llm/cli'],
    async start(args) {
      await buildJavaScript('@tessera-llm/cli')
      await node('apps/cli/bin/tessera.js', ...args)
    },
  },
  playground: {
    help: 'build the playground and serve it on this machine; --build only builds apps/playground/dist',
    apps: ['@tessera-app/playground'],
    async start(args) {
      const vite = 'apps/playground/node_modules/vite/bin/vite.js'
      await node(vite, 'build', 'apps/playground', '--logLevel', 'warn')
      if (!args.includes('--build')) await node(vite, 'preview', 'apps/playground', ...args)
    },
  },
  test: {
    help: 'run every test tier and print the sum; arguments go to vitest, such as --project unit packages/tensor',
    start: (args) => node('tooling/bootstrap/test.mjs', ...args),
  },
  build: {
    help: 'build JavaScript and declarations of every package and app that changed; arguments go to turbo',
    start: (args) => turbo('build', args),
  },
  typecheck: {
    help: 'check the types of every package and app that changed; arguments go to turbo',
    start: (args) => turbo('typecheck', ['--continue', ...args]),
  },
  lint: {
    help: 'check every file against biome.json, its layout included, and every import against the layers',
    async start(args) {
      await node(biome, 'check', '--error-on-warnings', ...args)
      await node('tooling/assembly/format.mjs', '--check')
      await node('node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'tooling/layers')
    },
  },
  format: {
    help: 'lay out every file as biome.json says, AssemblyScript included',
    async start(args) {
      await node(biome, 'format', '--write', ...args)
      await node('tooling/assembly/format.mjs')
    },
  },
  bench: {
    help: 'measure Tessera beside its peers; arguments go to apps/bench',
    start: (args) => node('apps/bench/bin/bench.js', ...args),
  },
}

const [name = 'help', ...rest] = process.argv.slice(2)
if (!Object.hasOwn(tasks, name)) {
  const lines = Object.entries(tasks).map(([task, { help }]) => `  ${task.padEnd(10)} ${help}`)
  console.error(`node tooling/bootstrap/run.mjs TASK [ARGUMENTS]\n${lines.join('\n')}`)
  process.exit(name === 'help' || name === '--help' ? 0 : 2)
}
const task = tasks[name]
await install(task.apps)
await assembly()
await task.start(rest)
