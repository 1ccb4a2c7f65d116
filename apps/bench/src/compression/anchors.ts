/**
 * Results of careful PyTorch implementations of published methods by the same protocol, with their own seed: figures to
 * reach.
 */
export interface Anchor {
  readonly method: string
  /**
   * `stored`: weights as in the file; `merged`: norms merged into the layers that read them; `rotated`: merged, with a
   * rotated residual stream.
   */
  readonly basis: 'stored' | 'merged' | 'rotated'
  readonly bits: number
  readonly kld: number
  /** Standard error with windows as clusters. */
  readonly kldStandardError: number
  readonly perplexity: number
  readonly top1Agreement: number
}

const anchor = (
  method: string,
  basis: Anchor['basis'],
  bits: number,
  perplexity: number,
  kld: number,
  kldStandardError: number,
  agreeing: number,
): Anchor => ({ method, basis, bits, kld, kldStandardError, perplexity, top1Agreement: agreeing / 100 })

export const anchors = {
  rtn8: anchor('RTN, int8 a row', 'merged', 8.02, 29.77, 0.0059, 0.0001, 95.2),
  rtn8Rotated: anchor('RTN, int8 a row', 'rotated', 8.02, 29.87, 0.0034, 0.0001, 96.1),
  rtn4: anchor('RTN', 'stored', 4.31, 37.3, 0.3052, 0.006, 67.9),
  rtn4Groups32: anchor('RTN, groups of 32', 'stored', 4.62, 35.69, 0.2863, 0.0067, 69.3),
  rtn4Groups32Merged: anchor('RTN, groups of 32', 'merged', 4.62, 41.63, 0.3755, 0.0071, 65.8),
  rtn4Groups32Rotated: anchor('RTN, groups of 32', 'rotated', 4.62, 44.19, 0.4223, 0.0112, 63.9),
  rtn4Merged: anchor('RTN', 'merged', 4.31, 47.78, 0.5438, 0.0087, 60.5),
  rtn4Rotated: anchor('RTN', 'rotated', 4.31, 44.7, 0.498, 0.014, 63.1),
  rtn4RowMerged: anchor('RTN, a row', 'merged', 4.03, 91.68, 1.313, 0.0211, 39.7),
  rtn4RowRotated: anchor('RTN, a row', 'rotated', 4.03, 96.32, 1.0885, 0.024, 46.3),
  rtn4SymmetricMerged: anchor('RTN, a row, no zeros', 'merged', 4.02, 158.73, 1.8286, 0.0529, 30.3),
  rtn4SymmetricRotated: anchor('RTN, a row, no zeros', 'rotated', 4.02, 127.47, 1.3581, 0.0308, 41.5),
  rtn3Merged: anchor('RTN', 'merged', 3.3, 296.97, 2.4129, 0.0282, 25.6),
  rtn3Rotated: anchor('RTN', 'rotated', 3.3, 1579.66, 4.0378, 0.0886, 13.8),
  rtn2Merged: anchor('RTN', 'merged', 2.28, 440621.84, 9.4868, 0.1985, 0.7),
  rtn2Rotated: anchor('RTN', 'rotated', 2.28, 511255.76, 9.7436, 0.1105, 0.4),
  rtn3: anchor('RTN', 'stored', 3.3, 81.37, 1.1272, 0.0237, 43.8),
  hqq4: anchor('HQQ (not validated)', 'merged', 4.5, 48.23, 0.4653, 0.0105, 61.3),
  nf4: anchor('NF4', 'merged', 4.25, 37.75, 0.3347, 0.0077, 67.0),
  awq4: anchor('AWQ', 'merged', 4.31, 35.5, 0.1468, 0.0034, 77.6),
  awq3: anchor('AWQ', 'merged', 3.3, 53.28, 0.6311, 0.0198, 58.4),
  awqGptq4: anchor('AWQ scales, GPTQ', 'merged', 4.31, 32.81, 0.11, 0.0054, 80.7),
  gptq4: anchor('GPTQ', 'stored', 4.31, 35.53, 0.1964, 0.0061, 74.1),
  gptq3: anchor('GPTQ', 'merged', 3.3, 76.27, 1.0049, 0.0256, 47.9),
  awqGptq3: anchor('AWQ scales, GPTQ', 'merged', 3.3, 56.68, 0.6466, 0.0239, 58.3),
  gptq4Merged: anchor('GPTQ', 'merged', 4.31, 35.85, 0.2408, 0.0089, 72.6),
  gptq2: anchor('GPTQ', 'merged', 2.28, 26228.42, 6.7531, 0.1621, 4.1),
  gptq4RotatedPlain: anchor('GPTQ', 'rotated', 4.31, 32.42, 0.099, 0.0042, 81.1),
  gptq3RotatedPlain: anchor('GPTQ', 'rotated', 3.3, 48.41, 0.526, 0.0167, 62.0),
  gptq3RotatedOrder: anchor('GPTQ, act-order', 'rotated', 3.3, 45.38, 0.4551, 0.0163, 64.1),
  gptq3RotatedClipped: anchor('GPTQ, clipped', 'rotated', 3.3, 42.09, 0.4111, 0.0149, 64.9),
  gptq3RotatedCorrected: anchor('GPTQ, corrected', 'rotated', 3.3, 41.36, 0.4104, 0.0155, 64.7),
  gptq4Rotated: anchor('GPTQ, corrected', 'rotated', 4.31, 31.42, 0.09, 0.0036, 82.8),
  gptq3Rotated: anchor('GPTQ, clipped, corrected', 'rotated', 3.3, 39.83, 0.3531, 0.0153, 67.6),
  gptq2Rotated: anchor('GPTQ, clipped, corrected', 'rotated', 2.28, 100.78, 1.3379, 0.0429, 41.9),
  w4a8: anchor('GPTQ; int8 a token', 'merged', 4.31, 36.81, 0.3034, 0.0104, 68.9),
  w4a8Rotated: anchor('GPTQ; int8 a token', 'rotated', 4.31, 32.82, 0.1119, 0.0044, 80.3),
  w8a8: anchor('RTN, int8 a row; int8 a token', 'merged', 8.02, 30.37, 0.0638, 0.0015, 84.8),
  w8a8Rotated: anchor('RTN, int8 a row; int8 a token', 'rotated', 8.02, 30.18, 0.013, 0.0004, 93.2),
  w8a8Static: anchor('RTN, int8 a row; static int8', 'merged', 8.02, 64.73, 0.8054, 0.0268, 51.1),
  w8a8StaticSmooth: anchor('SmoothQuant, int8 a row; static int8', 'merged', 8.02, 59.33, 0.6941, 0.0196, 54.8),
  w8a8StaticRotated: anchor('RTN, int8 a row; static int8', 'rotated', 8.02, 59.71, 0.6754, 0.0184, 55.1),
  w4a4Rotated: anchor('GPTQ; int4 a token, clipped', 'rotated', 4.31, 387.16, 2.5778, 0.099, 24.9),
  w4a4Hadamard: anchor('QuaRot, GPTQ; int4 a token, clipped', 'rotated', 4.31, 75.35, 0.919, 0.0222, 50.6),
  kv8: anchor('KIVI, int8, none exact', 'merged', 9, 29.61, 0.0001, 0, 99.6),
  kv4: anchor('KIVI, int4, none exact', 'merged', 5, 29.78, 0.0146, 0.0005, 92.1),
  kv2: anchor('KIVI, int2, none exact', 'merged', 3, 49.67, 0.5463, 0.0187, 60.5),
  kv2Exact: anchor('KIVI, int2, the last 128 exact', 'merged', 3, 32.04, 0.1146, 0.0045, 82.8),
} as const satisfies Readonly<Record<string, Anchor>>
