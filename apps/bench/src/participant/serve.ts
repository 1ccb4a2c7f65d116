import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { type Participant, type Reply, type Request, UnavailableError } from './protocol.ts'

/** Answers the requests of `input` in turn until `close` or the end of the input. */
export async function serve(
  participant: Participant,
  input: Readable = process.stdin,
  output: Writable = process.stdout,
): Promise<void> {
  // A reply starts on its own line, whatever a library has printed before.
  const send = (reply: Reply): void => void output.write(`\n${JSON.stringify(reply)}\n`)
  for await (const line of createInterface({ input })) {
    const request = JSON.parse(line) as Request
    try {
      const result =
        request.call === 'prepare'
          ? await participant.prepare(request.workload)
          : request.call === 'measure'
            ? await participant.measure()
            : await participant.close()
      send({ id: request.id, result: result ?? null })
    } catch (error) {
      send({
        id: request.id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        isUnavailable: error instanceof UnavailableError,
      })
    }
    if (request.call === 'close') return
  }
}
