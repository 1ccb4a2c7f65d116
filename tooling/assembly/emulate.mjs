// Kernels for processors that this one is not: the dot product of bytes that adds to 32 bits, made of other
// instructions, exactly, its second operand signed or unsigned.
import { join } from 'node:path'
import { compileEntry } from './compile-entry.mjs'
import { options, relaxed } from './options.mjs'
import { root } from './sources.mjs'

const instruction = 'i32x4.relaxed_dot_i8x16_i7x16_add_s(x, codes, sums)'

function emulated(sign) {
  const half = (part) => `i32x4.dot_i16x8_s(i16x8.extend_${part}_i8x16_s(x), i16x8.extend_${part}_i8x16_${sign}(codes))`
  const lanes = (first) =>
    `v128.shuffle<i32>(${half('low')}, ${half('high')}, ${first}, ${first + 2}, ${first + 4}, ${first + 6})`
  return `i32x4.add(sums, i32x4.add(${lanes(0)}, ${lanes(1)}))`
}

/**
 * The kernels of a package's module `name` as they would be where the platform takes bytes as `dotAdd` says, 'signed'
 * or 'unsigned'. For tests: the module is compiled anew, in seconds, and slow.
 */
export async function emulateDotAdd(name, kernels, dotAdd) {
  const folder = join(root, 'packages', name)
  let isReplaced = false
  const quick = options.map((option) => (option === '-O3' ? '-O1' : option)).filter((option) => option !== '--converge')
  const { bytes, failure } = await compileEntry(
    folder,
    join(folder, 'assembly', `${name}.entry.ts`),
    [...quick, ...relaxed],
    (text) => {
      if (!text.includes(instruction)) return text
      isReplaced = true
      return text.replace(instruction, emulated(dotAdd === 'signed' ? 's' : 'u'))
    },
  )
  if (!bytes) throw new Error(failure)
  if (!isReplaced) throw new Error(`emulateDotAdd: the module ${name} has no ${instruction}`)
  const base64 = Buffer.from(bytes).toString('base64')
  const module = { name, relaxed: base64, simd: base64 }
  return kernels.map((kernel) => {
    if (kernel.module.name !== name) return kernel
    const there = (capabilities) => ({ ...capabilities, dotAdd })
    return {
      ...kernel,
      module,
      supports: (problem, capabilities) => kernel.supports(problem, there(capabilities)),
      stages: (problem, capabilities) => kernel.stages(problem, there(capabilities)),
      priority: (problem, capabilities) => kernel.priority?.(problem, there(capabilities)) ?? 0,
      scratchBytes: (problem, threads, capabilities) =>
        kernel.scratchBytes?.(problem, threads, there(capabilities)) ?? 0,
    }
  })
}
