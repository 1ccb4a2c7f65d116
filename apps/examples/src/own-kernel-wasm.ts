// A WebAssembly kernel from outside of this repository, on a device beside ours.
import { linear } from '@tessera-llm/kernels'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createReferenceDevice, type Device, sizeOf } from '@tessera-llm/tensor'
import { createWasmDevice, defineWasmKernel } from '@tessera-llm/wasm'
import { squaredReluOp } from './squared-relu.ts'

// Any compiler will do that makes a module with the import env.memory (shared, at most 65 536 pages) and neither data
// nor globals. This one is written by hand: bytes, with what a disassembler would say of them.
const name = (text: string): number[] => [text.length, ...Buffer.from(text)]
const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content]
const [i32, get, set] = [0x7f, 0x20, 0x21]
const [args, thread, threads, index, count, x, y] = [0, 1, 2, 3, 4, 5, 6]
const value = 7
const loadArgument = (place: number, local: number): number[] => [get, args, 0x28, 2, 4 * place, set, local]
const elementOf = (pointer: number): number[] => [get, pointer, get, index, 0x41, 2, 0x74, 0x6a] // pointer + (index << 2)
const body = [
  2,
  4,
  i32,
  1,
  0x7d, // locals: four i32 (index, count, x, y), one f32 (value)
  ...loadArgument(0, x),
  ...loadArgument(1, y),
  ...loadArgument(2, count),
  get,
  thread,
  set,
  index,
  0x02,
  0x40,
  0x03,
  0x40, // block, loop
  get,
  index,
  get,
  count,
  0x4f,
  0x0d,
  1, // leave when index >= count
  ...elementOf(y),
  ...elementOf(x),
  0x2a,
  2,
  0,
  0x43,
  0,
  0,
  0,
  0,
  0x97,
  0x22,
  value,
  get,
  value,
  0x94, // f32.load, max with 0, times itself
  0x38,
  2,
  0, // f32.store
  get,
  index,
  get,
  threads,
  0x6a,
  set,
  index, // each thread takes every threads-th element
  0x0c,
  0,
  0x0b,
  0x0b,
  0x0b, // again; end of loop, block and function
]
const module = Buffer.from([
  0,
  0x61,
  0x73,
  0x6d,
  1,
  0,
  0,
  0,
  ...section(1, 1, 0x60, 3, i32, i32, i32, 0), // (args, thread, threads) -> ()
  ...section(2, 1, ...name('env'), ...name('memory'), 2, 3, 0, 0x80, 0x80, 4), // shared, 0 … 65 536 pages
  ...section(3, 1, 0),
  ...section(7, 1, ...name('squaredRelu'), 0, 0),
  ...section(10, 1, body.length, ...body),
]).toString('base64')

const squaredReluWasm = defineWasmKernel(squaredReluOp, {
  name: 'by-hand',
  module: { name: 'your-package/squared-relu', relaxed: module, simd: module },
  supports: ({ inputs: { x } }) => (x.kind === 'dense' && x.dtype === 'f32') || 'x must be dense f32',
  stages: ({ outputs: { y } }) => [
    { entry: 'squaredRelu', args: (write, at) => write.u32(at.address('x')).u32(at.address('y')).u32(sizeOf(y.shape)) },
  ],
})

/** An MLP of our linear layers and your activation; the same code on every device. */
async function mlp(device: Device): Promise<Float32Array> {
  const wave = (rows: number, columns: number, step: number) =>
    device.tensor(
      Float32Array.from({ length: rows * columns }, (_, index) => Math.sin(index * step)),
      [rows, columns],
    )
  const hidden = linear(wave(3, 8, 0.7), wave(16, 8, 0.3), {})
  const { y } = device.run(squaredReluOp, { x: hidden }, {})
  return (await device.read(linear(y, wave(4, 16, 0.9), {}))) as Float32Array
}

const wasm = await createWasmDevice({ kernels: [...kernelsWasm, squaredReluWasm] })
const reference = createReferenceDevice()
const [got, expected] = [await mlp(wasm), await mlp(reference)]
console.log(`${wasm.explain(squaredReluOp, { x: wasm.empty([4], 'f32') }, {}).kernel} on ${wasm.name}`)
console.log(
  `largest difference to the reference: ${Math.max(...got.map((element, place) => Math.abs(element - (expected[place] as number)))).toExponential(1)}`,
)
await wasm.dispose()
await reference.dispose()
