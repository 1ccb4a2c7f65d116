/**
 * Biases of at most this value (−1e38 as f32) hide their key: below any score, and far enough from f32's limit to add a
 * score.
 */
export const hiddenBias: number = Math.fround(-1e38)
