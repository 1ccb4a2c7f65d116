// Fails in the way that its argument names.
import { createInterface } from 'node:readline'

const way = process.env.WAY
for await (const line of createInterface({ input: process.stdin })) {
  const { id, call } = JSON.parse(line)
  const reply = (message) => process.stdout.write(`${JSON.stringify({ id, ...message })}\n`)
  if (call === 'prepare' && way === 'absent')
    reply({ error: 'UnavailableError: run pnpm bench:setup\n    at stack', isUnavailable: true })
  else if (call === 'prepare') reply({ result: { version: '1', settings: {} } })
  else if (way === 'error') reply({ error: 'Error: out of ideas', isUnavailable: false })
  else if (way === 'exit') {
    console.error('something terrible')
    process.exitCode = 7
    process.stdin.destroy()
  }
}
