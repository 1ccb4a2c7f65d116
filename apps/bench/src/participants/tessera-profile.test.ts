import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { ProfileWorkload } from '../workload/index.ts'
import { createProfileParticipant } from './tessera-profile.ts'

const model = fileURLToPath(
  new URL('../../../../packages/runtime/test/golden/architectures/llama/model.gguf', import.meta.url),
)
const at = (position: number, tokens: number, threads: number): ProfileWorkload => ({
  kind: 'profile',
  id: 'x',
  title: 'x',
  threads,
  metrics: [],
  model,
  contextLength: position + tokens,
  position,
  tokens,
})

describe('createProfileParticipant', () => {
  it.each([
    [20, 1, 1],
    [0, 8, 1],
    [20, 1, 2],
  ])('finds every stage of a step at position %i of %i tokens on %i threads', async (position, tokens, threads) => {
    const participant = createProfileParticipant(() => ({ version: '1', settings: {} }), 1)
    try {
      await participant.prepare(at(position, tokens, threads))
      const { figures, profile } = await participant.measure()
      const kernels = profile?.kernels ?? []
      const ops = new Set(kernels.map(({ kernel }) => kernel.split('/')[0]))
      for (const op of ['embedding', 'rms-norm', 'linear', 'rope-append', 'attention', 'gated-activation'])
        expect(ops).toContain(op)
      expect(ops.has('argmax')).toBe(tokens === 1)
      expect(kernels.filter(({ kernel }) => kernel.startsWith('attention/')).map(({ detail }) => detail)).toEqual([
        `${position + tokens} keys f16`,
      ])
      const sum = kernels.reduce((total, { microseconds }) => total + microseconds, 0)
      expect(sum / 1000).toBeCloseTo(figures['sum of the shortest stages'] as number, 6)
      expect(figures['sum of the shortest stages']).toBeLessThanOrEqual(figures['step, timed stage by stage'] as number)
      expect(profile?.stages).toBeGreaterThanOrEqual(kernels.reduce((total, { launches }) => total + launches, 0))
    } finally {
      await participant.close()
    }
  })
})
