import type { Binding, WebGpuPass } from '@tessera-llm/webgpu'

/** Piece of WGSL with the bindings and parameters that it needs; a pass joins several. */
export interface Part {
  readonly bindings: readonly Binding[]
  readonly fragments: readonly string[]
  readonly params: NonNullable<WebGpuPass['params']>
}

/** Joins parts; what several bind or declare alike is kept once. */
export function joinParts(...parts: readonly Part[]): Part {
  const bindings = parts.flatMap((part) => part.bindings)
  return {
    bindings: bindings.filter(({ name }, index) => bindings.findIndex((other) => other.name === name) === index),
    fragments: [...new Set(parts.flatMap(({ fragments }) => fragments))],
    params: Object.assign({}, ...parts.map(({ params }) => params)) as Part['params'],
  }
}

/** Part with parameters only. */
export function paramsPart(params: Part['params']): Part {
  return { bindings: [], fragments: [], params }
}

export function u32(value: number): { readonly type: 'u32'; readonly value: number } {
  return { type: 'u32', value }
}

export function i32(value: number): { readonly type: 'i32'; readonly value: number } {
  return { type: 'i32', value }
}

export function f32(value: number): { readonly type: 'f32'; readonly value: number } {
  return { type: 'f32', value }
}
