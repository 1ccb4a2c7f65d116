import { TesseraError } from '@tessera-llm/tensor'
import type { CacheSizes } from './cache.ts'

export function checkSizes({ layers, batch, capacity, chunkTokens = capacity }: CacheSizes): void {
  for (const [name, value] of Object.entries({ batch, capacity, chunkTokens })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TesseraError('invalid-option', `cache: ${name} must be a positive integer, not ${value}`)
  }
  for (const [index, { numKvHeads, headDim, valueDim = headDim, window = 1 }] of layers.entries()) {
    for (const [name, value] of Object.entries({ numKvHeads, headDim, valueDim, window })) {
      if (!Number.isSafeInteger(value) || value < 1)
        throw new TesseraError(
          'invalid-option',
          `cache: ${name} of layer ${index} must be a positive integer, not ${value}`,
        )
    }
  }
}

/** Throws unless `count` tokens can be appended from `start` on to a cache of `length` tokens. */
export function checkStep(
  start: number,
  count: number,
  {
    length,
    capacity,
    mostAtOnce = Number.POSITIVE_INFINITY,
  }: { readonly length: number; readonly capacity: number; readonly mostAtOnce?: number },
): void {
  if (!Number.isInteger(start) || start < 0 || start > length)
    throw new TesseraError(
      'invalid-value',
      `cache: a step cannot start at ${start}; the cache holds ${length} tokens, and steps append to them`,
    )
  if (!Number.isInteger(count) || count < 1)
    throw new TesseraError('invalid-value', `cache: a step of ${count} tokens; it must have at least 1`)
  if (count > mostAtOnce)
    throw new TesseraError(
      'invalid-value',
      `cache: a step of ${count} tokens; this cache takes 1 to ${mostAtOnce} at once (chunkTokens)`,
    )
  if (start + count > capacity)
    throw new TesseraError(
      'context-full',
      `cache: ${start + count} tokens do not fit a cache of ${capacity}; fork it with more room`,
    )
}

/** Throws unless `wanted` tokens are cached. */
export function checkTruncate(wanted: number, length: number): void {
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > length)
    throw new TesseraError(
      'invalid-value',
      `cache: truncate(${wanted}) must be between 0 and the ${length} tokens in the cache`,
    )
}

/** Throws unless a fork with room for `room` tokens can hold the cache's tokens. */
export function checkFork(length: number, room: number): void {
  if (length > room) throw new TesseraError('context-full', `cache: ${length} tokens do not fit a fork of ${room}`)
}
