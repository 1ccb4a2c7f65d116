import { TesseraError } from '@tessera-llm/tensor'
import type { WebGpuPass } from './kernel.ts'

/** The complete WGSL module of a pass: generated declarations, then fragments, then the body. */
export interface ComposedPass {
  readonly source: string
  /** `read-only-storage` or `storage` per binding; the uniform `Params`, if any, follows at the next index. */
  readonly layout: readonly ('read-only-storage' | 'storage' | 'uniform')[]
  readonly overrides: Readonly<Record<string, number>>
  /** Equal if and only if source, layout and overrides are equal; derived from all of them, never written by hand. */
  readonly key: string
}

/** Generates the declarations that a body relies on and prepends them. Pure text: touches no device. */
export function composePass(pass: WebGpuPass): ComposedPass {
  const lines: string[] = []
  for (const feature of pass.enables ?? []) lines.push(`enable ${feature};`)
  for (const [name, type] of Object.entries(pass.aliases ?? {})) lines.push(`alias ${name} = ${type};`)
  for (const [name, value] of Object.entries(pass.constants ?? {}))
    lines.push(`const ${name} = ${literal(name, value, pass.name)};`)
  const layout: ComposedPass['layout'][number][] = []
  for (const binding of pass.bindings) {
    lines.push(`@group(0) @binding(${layout.length}) var<storage, ${binding.access}> ${binding.name}: ${binding.type};`)
    layout.push(binding.access === 'read' ? 'read-only-storage' : 'storage')
  }
  const params = Object.entries(pass.params ?? {})
  if (params.length > 0) {
    lines.push(`struct Params { ${params.map(([name, { type }]) => `${name}: ${type}`).join(', ')} }`)
    lines.push(`@group(0) @binding(${layout.length}) var<uniform> params: Params;`)
    layout.push('uniform')
  }
  const source = [...lines, ...(pass.fragments ?? []), pass.source].join('\n')
  const overrides = Object.fromEntries(Object.entries(pass.overrides ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { source, layout, overrides, key: JSON.stringify([layout, overrides, source]) }
}

/** Bytes of the uniform `Params`: 4-byte scalars in order, rounded up to 16 bytes in total. */
export function encodeParams(pass: WebGpuPass): Uint8Array | undefined {
  const params = Object.entries(pass.params ?? {})
  if (params.length === 0) return undefined
  const bytes = new Uint8Array(Math.ceil(params.length / 4) * 16)
  const view = new DataView(bytes.buffer)
  for (const [index, [name, { type, value }]] of params.entries()) {
    if (type === 'f32') view.setFloat32(index * 4, value, true)
    else if (
      !Number.isInteger(value) ||
      value < (type === 'u32' ? 0 : -(2 ** 31)) ||
      value >= (type === 'u32' ? 2 ** 32 : 2 ** 31)
    ) {
      throw new TesseraError(
        'invalid-kernel',
        `${pass.name}: the parameter ${name} is ${value}, which is not a ${type}; split the problem or use another type`,
      )
    } else view.setInt32(index * 4, value | 0, true)
  }
  return bytes
}

function literal(name: string, value: number, pass: string): string {
  if (!Number.isFinite(value))
    throw new TesseraError(
      'invalid-kernel',
      `${pass}: the constant ${name} is ${value}; WGSL has finite constants only`,
    )
  if (!Number.isInteger(value)) return `${value}f`
  return value < 0 ? `${value}i` : `${value}u`
}
