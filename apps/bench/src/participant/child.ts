import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { TesseraError } from '@tessera-llm/tensor'
import type { Workload } from '../workload/index.ts'
import {
  type Description,
  parseReply,
  type Participant,
  type Reply,
  type Request,
  type Sample,
  UnavailableError,
} from './protocol.ts'

export interface ChildOptions {
  readonly name: string
  /** Script that calls `serve`. */
  readonly script: string
  readonly nodeArguments?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Timeout of each call in ms; a child that does not answer in time is killed. */
  readonly timeoutMs?: number
}

/** A participant in its own process and process group, so that memory, threads and crashes are isolated. */
export interface ChildParticipant extends Participant {
  readonly pid: number
  /** Kills the child and all its descendants at once. */
  kill(): void
}

interface Pending {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

type Call = { readonly call: 'prepare'; readonly workload: Workload } | { readonly call: 'measure' | 'close' }

export function startChild({
  name,
  script,
  nodeArguments = [],
  environment = {},
  timeoutMs = 600_000,
}: ChildOptions): ChildParticipant {
  const child = spawn(process.execPath, [...nodeArguments, script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...environment },
  })
  const pending = new Map<number, Pending>()
  let chatter = ''
  let ended: Error | undefined
  const note = (line: string): void => {
    chatter = `${chatter}${line}\n`.slice(-2000)
  }
  const end = (problem: string): void => {
    ended ??= new TesseraError('worker-lost', `bench: ${name} ${problem}. Its last words: ${chatter.trim() || 'none'}`)
    for (const { reject } of pending.values()) reject(ended)
    pending.clear()
  }
  const kill = (): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      child.kill('SIGKILL')
    }
  }
  child.on('error', (error) => end(`could not be started: ${error.message}`))
  child.on('exit', (code, signal) => end(`ended with ${signal ?? `exit code ${code}`}`))
  // Writing to a dead child is reported by its exit.
  child.stdin.on('error', () => {})
  createInterface({ input: child.stderr }).on('line', note)
  createInterface({ input: child.stdout }).on('line', (line) => {
    const reply = parseReply(line)
    if (!reply) {
      if (line !== '') note(line)
      return
    }
    pending.get(reply.id)?.resolve(reply)
    pending.delete(reply.id)
  })

  let nextId = 1
  const ask = async (call: Call): Promise<Description | Sample | null> => {
    if (ended) throw ended
    const request: Request = { id: nextId++, ...call }
    let timer: NodeJS.Timeout | undefined
    const reply = await new Promise<Reply>((resolve, reject) => {
      pending.set(request.id, { resolve, reject })
      timer = setTimeout(() => {
        kill()
        end(`did not answer "${call.call}" within ${timeoutMs / 1000} s`)
      }, timeoutMs)
      child.stdin.write(`${JSON.stringify(request)}\n`)
    }).finally(() => clearTimeout(timer))
    if ('result' in reply) return reply.result
    if (reply.isUnavailable) throw new UnavailableError(reply.error.split('\n')[0]?.replace(/^UnavailableError: /, ''))
    throw new TesseraError('invalid-value', `bench: ${name} failed to ${call.call}: ${reply.error}`)
  }

  return {
    pid: child.pid ?? -1,
    prepare: async (workload) => (await ask({ call: 'prepare', workload })) as Description,
    measure: async () => (await ask({ call: 'measure' })) as Sample,
    async close() {
      try {
        await ask({ call: 'close' })
      } finally {
        child.stdin.end()
        kill()
      }
    },
    kill,
  }
}
