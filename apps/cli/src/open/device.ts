import { availableParallelism } from 'node:os'
import { createDefaultDevice, type DefaultDeviceOptions } from '@tessera-llm/tessera'
import { type Device, isTesseraError, TesseraError } from '@tessera-llm/tensor'
import { kindOf, type ModelArguments } from './options.ts'

/** A WebAssembly device takes no more. */
const mostThreads = 256

/** Creates the device of `--device`. Throws `unsupported`. */
export async function openDevice(args: Pick<ModelArguments, 'device' | 'threads'>): Promise<Device> {
  return createDefaultDevice(await deviceOptions(args))
}

/** Device options from `--device` and `--threads`. Throws `unsupported`. */
export async function deviceOptions({
  device,
  threads,
}: Pick<ModelArguments, 'device' | 'threads'>): Promise<DefaultDeviceOptions & { readonly device: Device['kind'] }> {
  const gpu = device === 'webgpu' ? await nodeGpu() : undefined
  return { device: kindOf(device), threads: threads ?? Math.min(availableParallelism(), mostThreads), gpu }
}

// Dawn crashes the process if the object that `create` returns is garbage-collected while a device exists.
let keptGpu: GPU | undefined

async function nodeGpu(): Promise<GPU> {
  if (keptGpu) return keptGpu
  try {
    const { create, globals } = await import('webgpu')
    Object.assign(globalThis, globals)
    keptGpu = create([]) as GPU
    return keptGpu
  } catch (cause) {
    if (isTesseraError(cause)) throw cause
    throw new TesseraError('unsupported', '--device webgpu needs the optional npm package webgpu: npm install webgpu', {
      cause,
    })
  }
}
