interface MatrixPass {
  readonly enables?: readonly string[]
  readonly aliases?: Readonly<Record<string, string>>
  readonly fragments?: readonly string[]
}
export declare function emulateMatrices<P extends MatrixPass>(pass: P, width: number): P
