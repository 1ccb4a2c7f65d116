import { bufferUsage, mapModeRead, shaderStageCompute } from '../buffer/usage.ts'
import type { WebGpuPass } from '../kernel/kernel.ts'
import { composePass } from '../kernel/prelude.ts'
import { isUsable, matrixFeature, type StatedConfig, statedConfigs, type SubgroupMatrixConfig } from './config.ts'
import { matricesFor } from './matrices.ts'
import source from './verify.wgsl'

const strips = 4
const stride = 24

/**
 * The adapter's configurations, with every usable one tested on the device. A driver that computes one wrongly then
 * costs speed, not correctness: kernels skip it and say why.
 */
export async function verifyMatrices(adapter: GPUAdapter, device: GPUDevice): Promise<readonly SubgroupMatrixConfig[]> {
  if (!device.features.has(matrixFeature as GPUFeatureName)) return []
  const verified: SubgroupMatrixConfig[] = []
  for (const config of statedConfigs(adapter)) {
    const usable =
      config.componentType === 'f16' && !device.features.has('shader-f16')
        ? 'the device was made without the feature shader-f16'
        : isUsable(config)
    verified.push({ ...config, verified: usable === true ? await tryMatrices(device, config) : usable })
  }
  return verified
}

/** True if the products are correct, otherwise what was wrong. Leaves no error on the device. */
export async function tryMatrices(
  device: GPUDevice,
  config: StatedConfig,
  pass: WebGpuPass = verifyingPass(config),
): Promise<true | string> {
  const expected = expectedSums(config)
  const factors = factorsOf(config)
  let computed: Float32Array
  try {
    computed = await compute(device, pass, factors, expected.length)
  } catch (cause) {
    return `products of known matrices could not be computed: ${cause instanceof Error ? cause.message : String(cause)}`
  }
  const { M, N } = config
  for (let row = 0; row < strips * M; row++) {
    for (let column = 0; column < N; column++) {
      const [is, shouldBe] = [computed[row * stride + column], expected[row * stride + column]]
      if (is !== shouldBe)
        return `a sum of products of known matrices is ${is} instead of ${shouldBe}, in row ${row} and column ${column}`
    }
  }
  return true
}

export function verifyingPass(config: StatedConfig): WebGpuPass {
  const { M, enables, aliases, constants, fragments } = matricesFor(config)
  const { length } = factorsOf(config)
  return {
    name: 'verify-matrices',
    source,
    bindings: [
      { name: 'factors', tensor: 'factors', access: 'read', type: 'array<f32>' },
      { name: 'sums', tensor: 'sums', access: 'read_write', type: 'array<f32>' },
    ],
    enables,
    aliases,
    constants: { ...constants, COMPONENTS: length, RESULTS: strips * M * stride },
    fragments,
    workgroups: [1, 1, 1],
  }
}

/**
 * Integers, exact in every type, whose sums are exact in f32 and too long for f16. The factors of the last column are
 * subnormal in f16, as weights may be, and a GPU might flush them to 0.
 */
function factorsOf({ M, N, K }: StatedConfig): Float32Array {
  const [b, c] = [strips * M, strips * M + K]
  return Float32Array.from({ length: (c + N) * stride }, (_, index) => {
    const [row, column] = [Math.floor(index / stride), index % stride]
    const whole = ((index * 37 + column * 11) % 121) - 40
    const isTiny = row >= c ? row === c + N - 1 : row >= b && column === N - 1
    return isTiny ? (whole % 61) * 2 ** -20 : whole
  })
}

function expectedSums(config: StatedConfig): Float32Array {
  const { M, N, K } = config
  const factors = factorsOf(config)
  const at = (row: number, column: number): number => factors[row * stride + column] as number
  const [b, c] = [strips * M, strips * M + K]
  const sums = new Float32Array(strips * M * stride)
  for (let row = 0; row < strips * M; row++) {
    for (let column = 0; column < N; column++) {
      let [ab, ac] = [0, 0]
      for (let k = 0; k < K; k++) {
        ab += at(row, k) * at(b + k, column)
        ac += at(row, k) * at(c + column, k)
      }
      sums[row * stride + column] = (ab + ac) * (row + 1) + ab
    }
  }
  return sums
}

async function compute(
  device: GPUDevice,
  pass: WebGpuPass,
  factors: Float32Array,
  length: number,
): Promise<Float32Array> {
  const { source: code, overrides, layout } = composePass(pass)
  // Any failure here is a reason, and must not become an error of the device later.
  const filters = ['validation', 'out-of-memory', 'internal'] as const
  for (const filter of filters) device.pushErrorScope(filter)
  const buffer = (size: number, usage: number): GPUBuffer =>
    device.createBuffer({ label: 'verify matrices', size, usage })
  const input = buffer(factors.byteLength, bufferUsage.storage | bufferUsage.copyDst)
  const output = buffer(4 * length, bufferUsage.storage | bufferUsage.copySrc)
  const staging = buffer(4 * length, bufferUsage.mapRead | bufferUsage.copyDst)
  const group = device.createBindGroupLayout({
    entries: layout.map((type, binding) => ({ binding, visibility: shaderStageCompute, buffer: { type } })),
  })
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [group] }),
    compute: {
      module: device.createShaderModule({ label: 'verify matrices', code }),
      entryPoint: 'main',
      constants: overrides,
    },
  })
  device.queue.writeBuffer(input, 0, factors.buffer, factors.byteOffset, factors.byteLength)
  const encoder = device.createCommandEncoder()
  const commands = encoder.beginComputePass()
  commands.setPipeline(pipeline)
  commands.setBindGroup(
    0,
    device.createBindGroup({
      layout: group,
      entries: [input, output].map((one, binding) => ({ binding, resource: { buffer: one } })),
    }),
  )
  commands.dispatchWorkgroups(...pass.workgroups)
  commands.end()
  encoder.copyBufferToBuffer(output, 0, staging, 0, 4 * length)
  device.queue.submit([encoder.finish()])
  try {
    const errors = await Promise.all(filters.map(() => device.popErrorScope()))
    for (const error of errors) if (error) throw new Error(error.message)
    await staging.mapAsync(mapModeRead)
    return new Float32Array(staging.getMappedRange().slice(0))
  } finally {
    for (const one of [input, output, staging]) one.destroy()
  }
}
