import { TesseraError, type Tolerance } from '@tessera-llm/tensor'
import type { HostValue } from '../generate/index.ts'
import { parseSafetensors } from './safetensors.ts'

/** An output tensor of a golden, with the error that it allows. */
export interface GoldenOutput extends HostValue {
  /** Tolerance from the golden; all zero if it demands equality. */
  readonly tolerance: Tolerance
  /** Fraction of integers that must be equal: below 1 if rounding may flip some. */
  readonly minMatch: number
}

/** One case of an operator: inputs, parameters and the results of an independent implementation. */
export interface GoldenCase {
  readonly name: string
  readonly op: string
  readonly params: Readonly<Record<string, unknown>>
  readonly inputs: Readonly<Record<string, HostValue>>
  readonly outputs: Readonly<Record<string, GoldenOutput>>
}

interface StoredOutput {
  readonly atol?: number
  readonly rtol?: number
  readonly exact?: boolean
  readonly min_match?: number
}

interface StoredFamily {
  readonly cases: readonly {
    readonly case: string
    readonly op: string
    readonly params: Readonly<Record<string, unknown>>
    readonly inputs: Readonly<Record<string, unknown>>
    readonly outputs: Readonly<Record<string, StoredOutput>>
  }[]
}

/** NMSE that an f32 evaluation must reach unless the golden's own elementwise bound allows more. */
const f32Nmse = 1e-7

/**
 * Reads `<family>.json` and `<family>.safetensors` from a folder URL (`file:` or anything `fetch` accepts): a list of
 * cases with parameters and tolerances, and the tensors `<case>/<tensor>`.
 */
export async function readGolden(folder: URL, family: string): Promise<readonly GoldenCase[]> {
  const at = new URL(folder.href.endsWith('/') ? folder : `${folder.href}/`)
  const [text, bytes] = await Promise.all([
    readBytes(new URL(`${family}.json`, at)),
    readBytes(new URL(`${family}.safetensors`, at)),
  ])
  const { cases } = JSON.parse(new TextDecoder().decode(text)) as StoredFamily
  const tensors = parseSafetensors(bytes, family)
  return cases.map(({ case: name, op, params, inputs, outputs }) => {
    const find = (tensor: string): HostValue => {
      const found = tensors.get(`${name}/${tensor}`)
      if (!found)
        throw new TesseraError(
          'invalid-file',
          `golden ${family}: the case ${name} lists ${tensor}, which ${family}.safetensors does not hold`,
        )
      return found
    }
    return {
      name,
      op,
      params,
      inputs: Object.fromEntries(Object.keys(inputs).map((tensor) => [tensor, find(tensor)])),
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([tensor, stored]) => {
          const value = find(tensor)
          return [tensor, { ...value, tolerance: toleranceOf(stored, value), minMatch: stored.min_match ?? 1 }]
        }),
      ),
    }
  })
}

/** The named input. Throws, naming the case, if it is missing. */
export function goldenInput({ name, inputs }: GoldenCase, input: string): HostValue {
  return found(inputs[input], name, input)
}

/** The named output. Throws, naming the case, if it is missing. */
export function goldenOutput({ name, outputs }: GoldenCase, output: string): GoldenOutput {
  return found(outputs[output], name, output)
}

function found<T>(value: T | undefined, name: string, tensor: string): T {
  if (value === undefined) throw new TesseraError('not-found', `golden ${name}: there is no tensor ${tensor}`)
  return value
}

function toleranceOf({ atol = 0, rtol = 0, exact = false }: StoredOutput, { data }: HostValue): Tolerance {
  if (exact) return { atol: 0, rtol: 0, nmse: 0 }
  let energy = 0
  let finite = 0
  for (const element of data) {
    const value = Number(element)
    if (!Number.isFinite(value)) continue
    energy += value ** 2
    finite += 1
  }
  // Errors within the elementwise bound add up to this NMSE: if a golden's bound is wide, it decides.
  const allowed = energy === 0 ? 0 : (rtol + atol / Math.sqrt(energy / finite)) ** 2
  return { atol, rtol, nmse: Math.max(f32Nmse, allowed) }
}

async function readBytes(url: URL): Promise<Uint8Array> {
  if (url.protocol === 'file:') {
    const { readFile } = await import('node:fs/promises')
    return readFile(url)
  }
  const response = await fetch(url)
  if (!response.ok) throw new TesseraError('not-found', `golden: ${url.href} answered ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
