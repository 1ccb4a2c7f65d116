import type { Capabilities } from '@tessera-llm/tensor'
import type { SubgroupMatrixConfig } from '../matrix/config.ts'

/** Capabilities of an adapter and its device: JSON, so that they can be printed, stored and compared. */
export type WebGpuCapabilities = {
  readonly vendor: string
  readonly architecture: string
  readonly device: string
  readonly description: string
  /** Whether the adapter is a software or otherwise slow one (SwiftShader, WARP): correct, but no measure of speed. */
  readonly isFallback: boolean
  /** Features that the device was created with, sorted. */
  readonly features: readonly string[]
  /** WGSL language extensions of the implementation, sorted. */
  readonly languageFeatures: readonly string[]
  /** Range of subgroup sizes; 0 without the feature `subgroups`. */
  readonly subgroupMinSize: number
  readonly subgroupMaxSize: number
  /** Subgroup matrix products of the GPU, and whether they passed the self-test; empty without the feature. */
  readonly subgroupMatrixConfigs: readonly SubgroupMatrixConfig[]
  readonly limits: Readonly<Record<LimitName, number>>
}

/** Names of the limits in `WebGpuCapabilities`. */
export const limitNames = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxUniformBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const

/** Name of a limit in `WebGpuCapabilities`. */
export type LimitName = (typeof limitNames)[number]

export function describeCapabilities(
  gpu: GPU | undefined,
  adapter: GPUAdapter,
  device: GPUDevice,
  subgroupMatrixConfigs: readonly SubgroupMatrixConfig[],
): WebGpuCapabilities {
  const { info } = adapter
  const limits = {} as Record<LimitName, number>
  for (const name of limitNames) limits[name] = device.limits[name]
  const features = [...device.features].map(String).sort()
  const hasSubgroups = features.includes('subgroups')
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    isFallback: isSoftware(adapter),
    features,
    languageFeatures: [...(gpu?.wgslLanguageFeatures ?? [])].map(String).sort(),
    subgroupMinSize: hasSubgroups ? info.subgroupMinSize : 0,
    subgroupMaxSize: hasSubgroups ? info.subgroupMaxSize : 0,
    subgroupMatrixConfigs,
    limits,
  }
}

/** Whether an adapter computes in software: right, but slower than WebAssembly on the same processor. */
export function isSoftware({ info }: GPUAdapter): boolean {
  return info.isFallbackAdapter || info.architecture === 'swiftshader'
}

/** Typed view of the capabilities that a WebGPU device passes to `supports`, `priority` and `passes`. */
export function webgpuCapabilities(capabilities: Capabilities): WebGpuCapabilities {
  return capabilities as WebGpuCapabilities
}

/** Whether the device has the feature: `hasFeature(capabilities, 'shader-f16')`. */
export function hasFeature(capabilities: Capabilities, feature: string): boolean {
  return webgpuCapabilities(capabilities).features.includes(feature)
}
