import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WebGpuPass } from './kernel.ts'
import { composePass, encodeParams } from './prelude.ts'

const base: WebGpuPass = { name: 'test', source: '', bindings: [], workgroups: [1, 1, 1] }

describe('composePass', () => {
  it('declares enables, aliases, constants, bindings and parameters before fragments and body', () => {
    const { source, layout, overrides } = composePass({
      ...base,
      source: 'fn main() {}',
      enables: ['f16'],
      aliases: { elem: 'f16' },
      constants: { HEAD_DIM: 64, SHIFT: -2, FACTOR: 0.5 },
      bindings: [
        { name: 'x', tensor: 'x', access: 'read', type: 'array<elem>' },
        { name: 'y', tensor: 'y', access: 'read_write', type: 'array<vec4<f32>>' },
      ],
      params: { rows: { type: 'u32', value: 3 }, eps: { type: 'f32', value: 1e-5 } },
      fragments: ['fn load() {}'],
      overrides: { B: 2, A: 1 },
    })
    expect(source.split('\n')).toEqual([
      'enable f16;',
      'alias elem = f16;',
      'const HEAD_DIM = 64u;',
      'const SHIFT = -2i;',
      'const FACTOR = 0.5f;',
      '@group(0) @binding(0) var<storage, read> x: array<elem>;',
      '@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;',
      'struct Params { rows: u32, eps: f32 }',
      '@group(0) @binding(2) var<uniform> params: Params;',
      'fn load() {}',
      'fn main() {}',
    ])
    expect(layout).toEqual(['read-only-storage', 'storage', 'uniform'])
    expect(Object.keys(overrides)).toEqual(['A', 'B'])
  })

  it('gives different sources, overrides and layouts different keys, and equal ones equal keys', () => {
    const name = fc.constantFrom('a', 'b', 'cc')
    const pass: fc.Arbitrary<WebGpuPass> = fc.record({
      name: fc.constant('test'),
      source: fc.string(),
      bindings: fc.array(
        fc.record({
          name,
          tensor: name,
          access: fc.constantFrom('read' as const, 'read_write' as const),
          type: fc.constantFrom('array<u32>', 'array<f32>'),
        }),
        { maxLength: 3 },
      ),
      constants: fc.dictionary(name, fc.integer()),
      fragments: fc.array(fc.string(), { maxLength: 2 }),
      overrides: fc.dictionary(name, fc.integer()),
      params: fc.dictionary(
        name,
        fc.record({ type: fc.constantFrom('u32' as const, 'f32' as const), value: fc.nat() }),
      ),
      workgroups: fc.constant([1, 1, 1] as const),
    })
    fc.assert(
      fc.property(pass, pass, (a, b) => {
        const [first, second] = [composePass(a), composePass(b)]
        const same =
          first.source === second.source &&
          JSON.stringify(first.layout) === JSON.stringify(second.layout) &&
          JSON.stringify(first.overrides) === JSON.stringify(second.overrides)
        expect(first.key === second.key).toBe(same)
        expect(composePass({ ...a }).key).toBe(first.key)
      }),
      { numRuns: 500 },
    )
  })

  it('does not let the values of parameters, which are data, into the key', () => {
    const withValue = (value: number) => composePass({ ...base, params: { n: { type: 'u32', value } } }).key
    expect(withValue(1)).toBe(withValue(2))
  })

  it('refuses constants that WGSL cannot express', () => {
    expect(() => composePass({ ...base, constants: { MASK: Number.NEGATIVE_INFINITY } })).toThrow(
      /finite constants only/,
    )
  })
})

describe('encodeParams', () => {
  it('writes scalars of 4 bytes in order and rounds up to 16', () => {
    const bytes = encodeParams({
      ...base,
      params: { a: { type: 'u32', value: 2 ** 32 - 1 }, b: { type: 'i32', value: -5 }, c: { type: 'f32', value: 0.5 } },
    }) as Uint8Array
    const view = new DataView(bytes.buffer)
    expect([bytes.byteLength, view.getUint32(0, true), view.getInt32(4, true), view.getFloat32(8, true)]).toEqual([
      16,
      2 ** 32 - 1,
      -5,
      0.5,
    ])
    expect(encodeParams(base)).toBeUndefined()
  })

  it('refuses what the type cannot hold', () => {
    for (const [type, value] of [
      ['u32', -1],
      ['u32', 2 ** 32],
      ['u32', 1.5],
      ['i32', 2 ** 31],
    ] as const) {
      expect(() => encodeParams({ ...base, params: { n: { type, value } } })).toThrow(
        expect.objectContaining({
          code: 'invalid-kernel',
          message: expect.stringContaining(`test: the parameter n is ${value}`),
        }),
      )
    }
  })
})
