// What a grid of codes is: parameters of 32 bits each at `grid`, by their byte offsets. A grid is integer, or a rising
// table of values that the codes index.

/** i32, whether codes index a table. */
export const IS_TABLE: usize = 0
/** f32, the largest code. */
export const LAST_CODE: usize = 4
/** i32, whether the zero is fixed in the middle. */
export const IS_SYMMETRIC: usize = 8
/** i32, bits of a scale's fraction that its type cuts off: 0 for f32, 13 for f16, 16 for bf16. */
export const CUT_BITS: usize = 12
/** u32, scales that the search tries. */
export const CANDIDATES: usize = 16
/** f32, the first candidate's part of the scale that the extremes ask for. */
export const FIRST_FACTOR: usize = 20
/** f32, how much that part falls from one candidate to the next. */
export const FACTOR_STEP: usize = 24
/** Address of the table, f32. */
export const VALUES: usize = 28
/** Address of the middles between neighbours of the table, f32. */
export const MIDDLES: usize = 32
/** f32, the middle code: the zero of symmetric grids. */
export const MIDDLE_CODE: usize = 36
/** i32, zeros tried for each scale: 1, or 3 with the neighbours on both sides. */
export const ZEROS_TRIED: usize = 40
/** f32, the largest magnitude in the table. */
export const LARGEST_VALUE: usize = 44
