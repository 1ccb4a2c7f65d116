import { TesseraError } from '@tessera-llm/tensor'
import { dispatchModule } from '../generated/dispatch.ts'
import type { WasmKernel, WasmModule } from '../kernel/kernel.ts'
import { decodeBase64 } from './base64.ts'
import { withUnsharedMemory } from './unshared.ts'

/** Modules that every thread instantiates: the dispatcher, the kernel modules, and the table index of each entry. */
export interface CompiledModules {
  readonly dispatcher: WebAssembly.Module
  readonly modules: readonly { readonly module: WebAssembly.Module; readonly entries: readonly string[] }[]
  /** The kernels' entries, then the dispatcher's `pause` and `wake`. */
  readonly tableSize: number
  /** Table index of `module/entry`. */
  readonly indices: ReadonlyMap<string, number>
}

export interface CompileOptions {
  readonly relaxedSimd: boolean
  readonly sharedMemory: boolean
}

/** Compiles each module once; workers receive the compiled form. Throws `unsupported` without WebAssembly SIMD. */
export async function compileModules(
  kernels: readonly WasmKernel[],
  options: CompileOptions,
): Promise<CompiledModules> {
  const unique = new Map<string, WasmModule>()
  for (const { module, op, name } of kernels) {
    const known = unique.get(module.name)
    if (known && known !== module && (known.relaxed !== module.relaxed || known.simd !== module.simd)) {
      throw new TesseraError(
        'kernel-abi',
        `wasm: two different modules are called ${module.name} (one of them brings ${op}/${name}); two versions of a package were installed: update one`,
      )
    }
    unique.set(module.name, module)
  }
  const compile = (module: WasmModule): Promise<WebAssembly.Module> => {
    const bytes = decodeBase64(options.relaxedSimd ? module.relaxed : module.simd)
    return WebAssembly.compile(options.sharedMemory ? bytes : withUnsharedMemory(bytes))
  }
  try {
    const [dispatcher, ...compiled] = await Promise.all([compile(dispatchModule), ...[...unique.values()].map(compile)])
    const indices = new Map<string, number>()
    const modules = compiled.map((module, position) => {
      const { name } = [...unique.values()][position] as WasmModule
      const entries = WebAssembly.Module.exports(module)
        .filter(({ kind }) => kind === 'function')
        .map((found) => found.name)
      for (const entry of entries) indices.set(`${name}/${entry}`, indices.size)
      return { module, entries }
    })
    return { dispatcher: dispatcher as WebAssembly.Module, modules, tableSize: indices.size + 2, indices }
  } catch (cause) {
    if (!(cause instanceof WebAssembly.CompileError)) throw cause
    throw new TesseraError(
      'unsupported',
      `wasm: this platform cannot compile the kernels (${cause.message}); WebAssembly SIMD and threads are needed: Node.js 20, Chrome 91, Firefox 89, Safari 16.4 or later`,
      { cause },
    )
  }
}

/** Instantiates everything on one thread. */
export function instantiate(modules: CompiledModules, memory: WebAssembly.Memory): Dispatcher {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: modules.tableSize })
  const env = { memory, table }
  let index = 0
  for (const { module, entries } of modules.modules) {
    const { exports } = new WebAssembly.Instance(module, { env })
    for (const entry of entries) table.set(index++, exports[entry])
  }
  const dispatcher = new WebAssembly.Instance(modules.dispatcher, { env }).exports
  table.set(index, dispatcher['pause'])
  table.set(index + 1, dispatcher['wake'])
  return dispatcher as unknown as Dispatcher
}

export interface Dispatcher {
  /** 0: done, 1: a thread did not finish in time, 2: a worker trapped. */
  run(plan: number, count: number, threads: number): number
}
