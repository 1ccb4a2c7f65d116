import {
  HALF_BIAS,
  HALF_BIAS_MORE,
  HALF_MAGNITUDE,
  madd,
  maxLanes,
  scalar,
  SIGN,
  sumLanes,
} from '@tessera-llm/wasm/assembly/lib'

// Scales and minima of a group go into the queries or weights: products with codes need neither then.

/** `rebias` of the library by 112, with its constants loaded: V8 makes each anew in every turn otherwise. */
@inline
function widen(magnitude: v128): v128 {
  const f = i32x4.add(magnitude, scalar(HALF_BIAS))
  return f32x4.pmin(f, f32x4.sub(f32x4.add(f, f), scalar(HALF_BIAS_MORE)))
}

/** Scales are not negative. */
@inline
function scalesOf(words: v128): v128 {
  return widen(v128.and(i32x4.shr_u(words, 3), scalar(HALF_MAGNITUDE)))
}

@inline
function minimaOf(words: v128): v128 {
  return v128.or(
    widen(v128.and(i32x4.shl(words, 13), scalar(HALF_MAGNITUDE))),
    v128.and(i32x4.shl(words, 16), scalar(SIGN)),
  )
}

/**
 * For three lines x, `step` bytes apart, writes scaled = x ∘ scales, `to` bytes apart, its largest magnitude, and Σ x ·
 * minima. `words` are `count` parameters (a multiple of 4), two f16 each, minimum then scale.
 */
export function foldThree(
  words: usize,
  count: u32,
  x: usize,
  step1: usize,
  step2: usize,
  scaled: usize,
  to: usize,
  largest: usize,
  bases: usize,
): void {
  let la = f32x4.splat(0)
  let lb = la
  let lc = la
  let a = la
  let b = la
  let c = la
  const x1 = x + step1
  const x2 = x + step2
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) {
    const word = v128.load(words + i)
    const scales = scalesOf(word)
    const minima = minimaOf(word)
    let y = v128.load(x + i)
    a = madd(y, minima, a)
    y = f32x4.mul(y, scales)
    la = f32x4.pmax(la, f32x4.abs(y))
    v128.store(scaled + i, y)
    y = v128.load(x1 + i)
    b = madd(y, minima, b)
    y = f32x4.mul(y, scales)
    lb = f32x4.pmax(lb, f32x4.abs(y))
    v128.store(scaled + to + i, y)
    y = v128.load(x2 + i)
    c = madd(y, minima, c)
    y = f32x4.mul(y, scales)
    lc = f32x4.pmax(lc, f32x4.abs(y))
    v128.store(scaled + 2 * to + i, y)
  }
  store<f32>(largest, maxLanes(la))
  store<f32>(bases, sumLanes(a))
  store<f32>(largest, maxLanes(lb), 4)
  store<f32>(bases, sumLanes(b), 4)
  if (step2 == step1) return
  store<f32>(largest, maxLanes(lc), 8)
  store<f32>(bases, sumLanes(c), 8)
}

/** `foldThree` for one line. */
export function foldOne(words: usize, count: u32, x: usize, scaled: usize, largest: usize, base: usize): void {
  let most = f32x4.splat(0)
  let sum = most
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) {
    const word = v128.load(words + i)
    const y = v128.load(x + i)
    sum = madd(y, minimaOf(word), sum)
    const product = f32x4.mul(y, scalesOf(word))
    most = f32x4.pmax(most, f32x4.abs(product))
    v128.store(scaled + i, product)
  }
  store<f32>(largest, maxLanes(most))
  store<f32>(base, sumLanes(sum))
}
