import { readFileSync } from 'node:fs'
import { bufferSource, type Checkpoint, readGguf, readSafetensors } from '@tessera-llm/formats'
import { viewBytes } from '@tessera-llm/tensor'

const folder = new URL('../golden/', import.meta.url)

export function goldenBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, folder)))
}

export function goldenJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, folder), 'utf8')) as T
}

export function goldenGguf(path: string): Promise<Checkpoint> {
  return readGguf(bufferSource(goldenBytes(path), path))
}

export function goldenSafetensors(path: string): Promise<Checkpoint> {
  return readSafetensors(bufferSource(goldenBytes(path), path))
}

/** An f32 tensor of a golden file. */
export async function goldenTensor(file: Checkpoint, name: string): Promise<Float32Array> {
  const stored = file.tensors.get(name)
  if (stored?.format !== 'f32') throw new Error(`the golden file has no f32 tensor ${name}`)
  return viewBytes(await stored.read(), 'f32') as Float32Array
}

/** Largest absolute difference, with its index for the message of a failing assertion. */
export function largestDifference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): { readonly value: number; readonly index: number } {
  if (actual.length !== expected.length) throw new Error(`lengths differ: ${actual.length} and ${expected.length}`)
  let value = 0
  let index = -1
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number))
    // A NaN must not compare as "not larger".
    if (!(difference <= value)) {
      value = difference
      index = i
    }
  }
  return { value, index }
}
