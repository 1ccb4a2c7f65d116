import { linear, roundInput } from '@tessera-llm/kernels'
import type { PackedTensor, Tensor } from '@tessera-llm/tensor'
import { type GoldenCase, goldenInput, goldenOutput } from '@tessera-llm/testing'
import { createWasmDevice } from '@tessera-llm/wasm'
import { test } from 'vitest'
import { casesOf, expectClose, floats } from '../../test/method-golden.ts'
import { type Grid, joinParts, packMatrix, rows8GridPacker, rtn } from '../index.ts'
import { quantizationWasm } from '../wasm.ts'

const doubles = (golden: GoldenCase, name: string): Float64Array => Float64Array.from(floats(goldenInput(golden, name)))
const scalesOf = (golden: GoldenCase): Float32Array => floats(goldenOutput(golden, 'scale'))

test.for(casesOf('uniform_quant', /^uniform_sym8_tensor$/))(
  '$name: with the given scale x becomes what the golden has',
  (golden) => {
    const { shape } = goldenInput(golden, 'x')
    const columns = shape[1] as number
    const [scale] = scalesOf(golden)
    expectClose(
      golden.name,
      roundInput(doubles(golden, 'x'), columns, { block: columns, levels: 127, least: -127, clip: 1, scale }),
      goldenOutput(golden, 'dequant'),
    )
  },
)

test.for(casesOf('uniform_quant', /^uniform_sym[48]_channel$/))(
  '$name: a scale a row that the largest value gives',
  (golden) => {
    const columns = goldenInput(golden, 'x').shape[1] as number
    const codes =
      golden.params['bits'] === 4 ? ({ levels: 7, least: -8 } as const) : ({ levels: 127, least: -127 } as const)
    expectClose(
      golden.name,
      roundInput(doubles(golden, 'x'), columns, { block: columns, ...codes, clip: 1 }),
      goldenOutput(golden, 'dequant'),
    )
  },
)

const int8Rows: Grid = { kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f32' }

test.for(casesOf('w8a8'))('$name: inputs of int8 by tokens, and with one given scale', async (golden) => {
  const device = await createWasmDevice({ kernels: quantizationWasm, threads: 1 })
  const read = async (tensor: Tensor): Promise<Float32Array> => floats({ data: await device.read(tensor) })
  const [rows = 0, columns = 0] = goldenInput(golden, 'w').shape
  const { format, parts } = packMatrix(
    rtn({ values: floats(goldenInput(golden, 'w')), shape: [rows, columns] }, int8Rows, { scale: 'range' }),
  )
  const packer = rows8GridPacker(format)
  const weight: PackedTensor = device.pack(
    packer.format,
    [rows, columns],
    packer.pack(joinParts(format, parts, [rows, columns]), [rows, columns]),
  )
  const values = floats(goldenInput(golden, 'x'))
  const x = device.tensor(values, [values.length / columns, columns])
  expectClose(golden.name, await read(linear(x, weight, { activations: 'int8-token' })), goldenOutput(golden, 'y'))

  // With the scale of one token for all, that token's outputs are the same.
  const scales = floats(goldenOutput(golden, 'x_scale'))
  const wanted = floats(goldenOutput(golden, 'y'))
  for (const [token, inputScale] of scales.entries()) {
    const y = (await read(linear(x, weight, { activations: 'int8-static', inputScale }))).subarray(
      token * rows,
      (token + 1) * rows,
    )
    expectClose(`${golden.name}, token ${token}`, y, {
      ...goldenOutput(golden, 'y'),
      data: wanted.subarray(token * rows, (token + 1) * rows),
    })
  }
  await device.dispose()
})
