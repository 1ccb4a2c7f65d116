export { findScales, hasSearchGrid } from './find-scales.ts'
export { findMerges, type Merge, type Unmerged } from './merges.ts'
export { scaleSubject } from './scale-subject.ts'
export { transformSubject } from './transform-subject.ts'
