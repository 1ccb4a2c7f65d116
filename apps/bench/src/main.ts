import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine, monitorLoad } from './machine/index.ts'
import { type ChildParticipant, startChild } from './participant/index.ts'
import { nodeArguments, participants, type ParticipantSpec } from './plan.ts'
import { type Report, renderMarkdown, reportWorkload, roofsOf } from './report/index.ts'
import { type Entrant, interleaveAll, type Outcome } from './schedule/index.ts'
import { problemOfOperator } from './operator/index.ts'
import { exactSimilarities } from './exact-similarities.ts'
import {
  attentionWorkloads,
  cacheWorkloads,
  embedWorkloads,
  encodeWorkloads,
  formatWorkloads,
  modelWorkloads,
  operatorWorkloads,
  opWorkloads,
  problemOfAnswer,
  problemOfAttention,
  problemOfSimilarities,
  profileWorkloads,
  quantizeWorkloads,
  readModelFacts,
  roofWorkloads,
  type Workload,
} from './workload/index.ts'

export interface Tools {
  /** Bundles `src/<entry>.ts` and returns the path of the program. */
  bundle(entry: string): Promise<string>
}

/** Pause before each measurement in ms, so that other participants' threads fall asleep. */
const restMs = 500

const usage = `node apps/bench/bin/bench.js [options]

  --model PATH           a GGUF language model (default: SmolLM2-135M-Instruct.Q4_1.gguf, brought by tooling/models.sh)
  --rounds N             counted rounds of each workload (default 5)
  --only TEXT[,TEXT]     workloads whose id contains one of the texts: decode, prefill-1t, gemv-4bit-1x2048 …
  --participants A[,B]   of: ${participants.map(({ name }) => name).join(', ')}
  --out FOLDER           where bench.json and bench.md go (default: apps/bench/results; partial.* when not everything was measured)
  --list                 the ids of all workloads
`

/**
 * Measures, prints progress to stderr and the table to stdout. Returns the exit code: 1 if a participant failed, 2 on
 * wrong usage.
 */
export async function main(args: readonly string[], { bundle }: Tools): Promise<number> {
  let options: ReturnType<typeof parse>
  try {
    options = parse(args)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    return 2
  }
  if (options.help) {
    process.stdout.write(usage)
    return 0
  }
  const path =
    options.model ??
    join(process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache/tessera/models'), 'SmolLM2-135M-Instruct.Q4_1.gguf')
  const encoder = join(process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache/tessera/models'), 'all-MiniLM-L6-v2')
  const facts = await readModelFacts(path)
  const all: readonly Workload[] = [
    ...roofWorkloads(),
    ...modelWorkloads(path, facts),
    ...cacheWorkloads(path, facts),
    ...operatorWorkloads(),
    ...opWorkloads(),
    ...attentionWorkloads(),
    ...embedWorkloads(encoder),
    ...formatWorkloads(),
    ...encodeWorkloads(),
    ...quantizeWorkloads(path, facts),
    ...profileWorkloads(path),
  ]
  if (options.list) {
    process.stdout.write(all.map(({ id, title }) => `${id}  ${title}\n`).join(''))
    return 0
  }
  const only = options.only?.split(',')
  const isAsked = ({ id, onRequest = false }: Workload): boolean =>
    only ? only.some((text) => id.includes(text)) : !onRequest
  // Roofs are always measured: rates need them for comparison.
  const chosen = all.filter((workload) => workload.kind === 'roof' || isAsked(workload))
  const names = options.participants?.split(',')
  const unknown = names?.find((name) => !participants.some((spec) => spec.name === name))
  if (unknown !== undefined || !all.some(isAsked)) {
    process.stderr.write(
      `${unknown === undefined ? `no workload matches ${options.only}` : `there is no participant ${unknown}`}\n\n${usage}`,
    )
    return 2
  }
  const invited = participants.filter(({ name }) => !names || name === 'roofline' || names.includes(name))

  const running = new Set<ChildParticipant>()
  const stop = (): void => {
    for (const child of running) child.kill()
    process.exit(130)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const entrants = await makeEntrants(invited, bundle, running)

  const folder = options.out ?? fileURLToPath(new URL('../results/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const save = (report: Report, name: string): string => {
    const table = renderMarkdown(report)
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(report, undefined, 1)}\n`)
    writeFileSync(join(folder, `${name}.md`), table)
    return table
  }

  const measured: { readonly workload: Workload; readonly outcomes: readonly Outcome[] }[] = []
  const reportSoFar = (): Report => {
    const roofs = roofsOf(measured)
    const workloads = measured.map(({ workload, outcomes }) => reportWorkload(workload, outcomes, roofs))
    return {
      schema: 1,
      date: new Date().toISOString(),
      machine: describeMachine(),
      rounds: options.rounds,
      roofs,
      workloads,
    }
  }
  for (const together of inTurn(chosen)) {
    const races = together.map((workload) => ({
      workload,
      entrants: entrants
        .filter(({ spec }) => spec.kinds.includes(workload.kind) && workload.leftOut?.[spec.name] === undefined)
        .map(({ entrant }) => entrant),
    }))
    const all = await interleaveAll(races, {
      rounds: options.rounds,
      monitor: monitorLoad,
      rest: () => setTimeout(restMs),
      onProgress: (message) => void process.stderr.write(`${message}\n`),
    })
    for (const [index, workload] of together.entries()) {
      const outcomes = (all[index] ?? []).map((outcome) => checked(workload, outcome))
      measured.push({ workload, outcomes: await Promise.all(outcomes) })
    }
    // A run takes half an hour, so results are saved as they come.
    save(reportSoFar(), 'partial')
  }

  const report = reportSoFar()
  const rows = report.workloads.flatMap(({ participants: all }) => all)
  const isWhole = !only && !names && rows.every(({ status }) => status === 'measured' || status === 'left out')
  const name = isWhole ? 'bench' : 'partial'
  process.stdout.write(save(report, name))
  process.stderr.write(`written to ${join(folder, name)}.json and .md\n`)
  return rows.some(({ status }) => status === 'failed') ? 1 : 0
}

/** Workloads in their order, those that are measured in turn together. */
function inTurn(workloads: readonly Workload[]): readonly (readonly Workload[])[] {
  const groups = new Map<string, Workload[]>()
  for (const workload of workloads) {
    const name = workload.inTurn ?? workload.id
    groups.set(name, [...(groups.get(name) ?? []), workload])
  }
  return [...groups.values()]
}

function parse(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string' },
      participants: { type: 'string' },
      out: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds must be a positive whole number, not ${values.rounds}`)
  return { ...values, rounds }
}

/** A wrong answer is no measurement. */
async function checked(workload: Workload, outcome: Outcome): Promise<Outcome> {
  if (outcome.status !== 'measured') return outcome
  const answer = outcome.rounds[0]?.sample.answer
  const problem =
    workload.kind === 'op'
      ? await problemOfOperator(workload, answer)
      : workload.kind === 'embed'
        ? problemOfSimilarities(
            workload,
            answer,
            await exactSimilarities(workload, readFileSync(new URL('../data/coriolanus.txt', import.meta.url), 'utf8')),
          )
        : 'matrices' in workload
          ? problemOfAnswer(workload, answer)
          : 'kvHeads' in workload
            ? problemOfAttention(workload, answer)
            : undefined
  return problem ? { name: outcome.name, status: 'failed', reason: problem } : outcome
}

async function makeEntrants(
  specs: readonly ParticipantSpec[],
  bundle: Tools['bundle'],
  running: Set<ChildParticipant>,
): Promise<readonly { readonly spec: ParticipantSpec; readonly entrant: Entrant }[]> {
  return Promise.all(
    specs.map(async (spec) => {
      const build = async (): Promise<string> => {
        if (spec.page) await bundle(`pages/${spec.page}`)
        return bundle(`participants/${spec.script}`)
      }
      const script = await build().catch((error: unknown) => error as Error)
      const start = (): ChildParticipant => {
        if (typeof script !== 'string') throw script
        const child = startChild({ name: spec.name, script, nodeArguments })
        running.add(child)
        return child
      }
      return { spec, entrant: { name: spec.name, start } }
    }),
  )
}
