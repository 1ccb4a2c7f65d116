interface MatrixPass {
  readonly enables?: readonly string[]
  readonly aliases?: Readonly<Record<string, string>>
  readonly fragments?: readonly string[]
}
export declare function emulateMatrices<P extends MatrixPass>(pass: P, width: number): P

export interface MatrixConfig {
  readonly M: number
  readonly N: number
  readonly K: number
  readonly componentType: string
  readonly resultComponentType: string
  readonly verified: true | string
}
export interface MatrixGpu {
  readonly configs: readonly MatrixConfig[]
  readonly width?: number
  readonly memory?: number
}
export declare function withMatrices<C extends object>(capabilities: C, gpu: MatrixGpu): C
export declare function kernelWithMatrices<K extends object>(kernel: K, gpu: MatrixGpu, isEmulated: boolean): K
export declare const ofF32: MatrixConfig
export declare const ofF16: MatrixConfig
export declare const ofWideF16: MatrixConfig
export declare const ofNarrowF16: MatrixConfig
