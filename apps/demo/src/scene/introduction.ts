import { cpus, loadavg } from 'node:os'
import { contentsOf, type ModelFiles } from '../model/index.ts'
import { formatBytes, formatCount, type Screen } from '../terminal/index.ts'

/** Says what will be loaded, and where. */
export function introduce({ name, isOwn, checkpoint, config }: ModelFiles, screen: Screen): void {
  const { parameters, formats } = contentsOf(checkpoint)
  const { architecture, numLayers, hiddenSize, numHeads, numKvHeads, headDim, vocabSize, contextLength } = config
  const container = checkpoint.container === 'gguf' ? 'GGUF' : 'safetensors'
  const processors = cpus()
  screen.line(screen.bold('Tessera: one model, every device'))
  screen.line()
  const facts: readonly (readonly [string, string])[] = [
    ['model', `${name}${isOwn ? ' (trained for this repository)' : ''}: ${formatCount(parameters)} parameters`],
    [
      'file',
      `${container}, ${formatBytes(checkpoint.byteLength)}: ${formats.map(({ format, bytes }) => `${format} ${formatBytes(bytes)}`).join(', ')}`,
    ],
    [
      'shape',
      `${architecture}, ${numLayers} layers of width ${hiddenSize}, ${numHeads} query heads on ${numKvHeads} KV heads of ${headDim}`,
    ],
    ['text', `vocabulary of ${vocabSize}, context of ${contextLength} tokens`],
    ['machine', `Node.js ${process.versions.node}, ${processors.length} × ${processors[0]?.model ?? process.arch}`],
  ]
  for (const [label, fact] of facts) screen.line(`${screen.dim(label.padEnd(8))} ${fact}`)
  const [load = 0] = loadavg()
  // Threads wait for the slowest one, which is the one that another program displaced.
  if (load > processors.length / 2)
    screen.line(
      screen.dim(
        `Other programs are at work here (load ${load.toFixed(1)}): expect lower figures, of several threads most of all.`,
      ),
    )
}
