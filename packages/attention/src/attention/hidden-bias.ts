/** Biases from here (−1e38 as f32) down hide their key: lower than any score, and far enough from f32's limit for a score to be added. */
export const hiddenBias: number = Math.fround(-1e38)
