/// <reference types="@webgpu/types" />
export interface SwiftShaderFiles {
  readonly directory: string
  /** The Vulkan loader, `libvulkan.so.1`. */
  readonly loader: string
  /** The driver's manifest, for VK_ICD_FILENAMES. */
  readonly driver: string
}
export declare function unpackSwiftShader(cache?: string): SwiftShaderFiles | undefined
export declare function useSwiftShader(): boolean
export declare function createTestGpu(): Promise<GPU>
export declare function createNullGpu(): Promise<GPU>
