// Speaks the protocol by hand, between chatter of the kind that native libraries print.
import { createInterface } from 'node:readline'

process.stdout.write('loading without a line end')
for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, workload } = JSON.parse(line)
  const results = {
    prepare: { version: '1.2.3', settings: { threads: workload?.threads } },
    measure: { figures: { rate: 42 } },
    close: null,
  }
  process.stdout.write(`{"id": not json}\nchatter\n${JSON.stringify({ id, result: results[call] })}\n`)
}
