import { createHash } from 'node:crypto'
import { access, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvaluatedSession } from '@tessera-llm/evaluation'
import { bytesOf, TesseraError } from '@tessera-llm/tensor'

export interface KeptLogitsOptions {
  readonly folder: string
  /** Identity of everything the logits depend on beside the tokens, such as the hash of the model's file. */
  readonly identity: string
  readonly vocabSize: number
  /** All windows that will be requested. */
  readonly windows: readonly (readonly number[])[]
}

/**
 * Computes the missing logits of a model on windows of tokens: f32 `[window − 1, vocabSize]` per file. Returns the
 * number of windows computed.
 */
export async function keepLogits(
  { folder, identity, windows }: KeptLogitsOptions,
  load: () => Promise<EvaluatedSession>,
): Promise<number> {
  await mkdir(folder, { recursive: true })
  let computed = 0
  let session: EvaluatedSession | undefined
  for (const window of windows) {
    const path = placeOf(folder, identity, window)
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      continue
    session ??= await load()
    const rows: Float32Array[] = []
    session.truncate(0)
    await session.prefill(window.slice(0, -1), { everyLogits: { from: 0, visit: (more) => void rows.push(...more) } })
    const file = await open(`${path}.part`, 'w')
    try {
      for (const row of rows) await file.write(bytesOf(row))
    } finally {
      await file.close()
    }
    await rename(`${path}.part`, path)
    computed += 1
  }
  return computed
}

/** Replaces the model whose logits are stored: it answers only for prefixes of the windows. */
export function keptSession({ folder, identity, vocabSize, windows }: KeptLogitsOptions): EvaluatedSession {
  return {
    contextLength: Math.max(...windows.map(({ length }) => length)) - 1,
    truncate: () => {},
    async prefill(ids, { everyLogits } = {}) {
      const window = windows.find((known) => ids.every((id, position) => known[position] === id))
      if (!window)
        throw new TesseraError(
          'invalid-value',
          `bench: no logits are kept for the ${ids.length} tokens that begin with ${ids.slice(0, 4).join(', ')}`,
        )
      const from = Math.min(everyLogits?.from ?? ids.length - 1, ids.length - 1)
      const file = await open(placeOf(folder, identity, window), 'r')
      try {
        const rows: Float32Array[] = []
        for (let position = from; position < ids.length; position++) {
          const row = new Float32Array(vocabSize)
          const { bytesRead } = await file.read(bytesOf(row), 0, 4 * vocabSize, 4 * vocabSize * position)
          if (bytesRead !== 4 * vocabSize)
            throw new TesseraError(
              'invalid-file',
              `bench: the kept logits of a window end at token ${position}; delete ${folder}`,
            )
          rows.push(row)
        }
        everyLogits?.visit(rows, from)
        return rows.at(-1) as Float32Array
      } finally {
        await file.close()
      }
    },
  }
}

function placeOf(folder: string, identity: string, window: readonly number[]): string {
  return join(
    folder,
    `${createHash('sha256')
      .update(JSON.stringify([identity, window]))
      .digest('hex')
      .slice(0, 32)}.f32`,
  )
}
