import {
  BYTES,
  codesAt,
  CRUMBS,
  E2M1,
  IQ4,
  LEVELS,
  LEVELS_2,
  LEVELS_3,
  NIBBLES,
  NIBBLES_1,
  NIBBLES_2,
  OCTALS,
} from '../layout'
import { addedSums } from './dot-add'

// One function for each way to store codes, as in sums.ts.

export function addBytes(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(BYTES, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addNibbles(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(NIBBLES, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addNibbles1(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(NIBBLES_1, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addNibbles2(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(NIBBLES_2, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addE2M1(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(E2M1, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addIQ4(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(IQ4, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addLevels(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(LEVELS, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addCrumbs(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(CRUMBS, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addOctals(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(OCTALS, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addLevels2(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(LEVELS_2, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}
export function addLevels3(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  addedSums(LEVELS_3, layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
}

/** `tokenSums` by products that add to 32 bits; `shift` is the address of the argument SHIFT. */
export function tokenSumsAdd(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  shift: usize,
  bytes: usize,
): void {
  switch (codesAt(layout)) {
    case BYTES:
      return addBytes(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case NIBBLES:
      return addNibbles(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case NIBBLES_1:
      return addNibbles1(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case NIBBLES_2:
      return addNibbles2(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case E2M1:
      return addE2M1(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case IQ4:
      return addIQ4(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case LEVELS:
      return addLevels(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case CRUMBS:
      return addCrumbs(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case LEVELS_2:
      return addLevels2(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    case LEVELS_3:
      return addLevels3(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
    default:
      addOctals(layout, p, streams, distance, x, blocks, sums, span, shift, bytes)
  }
}
