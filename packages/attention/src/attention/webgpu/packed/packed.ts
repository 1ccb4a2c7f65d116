import { groupLayout, type KvCodes, rowLayout } from '../../../kv-format/index.ts'
import { type Part, u32 } from '../../../webgpu-part/index.ts'
import type { AttentionProblem } from '../problem.ts'

/**
 * Reads packed keys or values: declares `x_at` and `x4` as in `tensors.ts`, over the words of
 * `src/kv-format/layout.ts`. `page` is a WGSL expression for the page of a row.
 */
export function packedPart(
  problem: AttentionProblem,
  name: 'k' | 'v',
  codes: KvCodes,
  width: number,
  page: string,
): Part {
  const { numKvHeads } = problem
  const { shape } = problem.inputs[name]
  const bindings = [{ name, tensor: `${name}.blocks`, access: 'read', type: 'array<u32>' }] as const
  const heads = `params.${name}_heads`
  if (codes.unit === 'row') {
    return {
      bindings,
      fragments: [
        codes.code === 'fp8' ? fp8Values : int8Values,
        `fn ${name}_at(batch: u32, head: u32, row: u32) -> u32 { return ((${page} * ${heads} + head) * params.${name}_rows + row % params.${name}_rows) * ${rowLayout(shape).rowWords}u; }`,
        `fn ${name}4(at: u32, chunk: u32) -> vec4<f32> {
  if (chunk >= ${width / 4}u) { return vec4<f32>(); }
  return bitcast<f32>(${name}[at]) * ${codes.code}_values(${name}[at + 1u + chunk]);
}`,
      ],
      params: { [`${name}_heads`]: u32(numKvHeads), [`${name}_rows`]: u32(shape[2] ?? 0) },
    }
  }
  const { bits, along, recentRows } = codes
  const { headerWords, groups, codeWords, groupWords, recentAt, recentRowWords } = groupLayout(shape, codes)
  const perWord = 32 / bits
  // `x_at` of a row in the ring is the index of its words with the highest bit set; of a row in a group, its index
  // among all tokens of all heads.
  return {
    bindings,
    fragments: [
      `fn ${name}_at(batch: u32, head: u32, row: u32) -> u32 {
  let at = batch * ${heads} + head;
  if (row >= ${name}[2u * batch]) { return 0x80000000u | (params.${name}_recent_at + (at * params.${name}_recent_rows + row % params.${name}_recent_rows) * ${recentRowWords}u); }
  return at * params.${name}_groups * 32u + row;
}`,
      `fn ${name}4(at: u32, chunk: u32) -> vec4<f32> {
  if (chunk >= ${width / 4}u) { return vec4<f32>(); }
  if (at >= 0x80000000u) {
    let words = (at & 0x7fffffffu) + 2u * chunk;
    return vec4<f32>(unpack2x16float(${name}[words]), unpack2x16float(${name}[words + 1u]));
  }
  let group = ${headerWords}u + (at / 32u) * ${groupWords}u;
  let t = at % 32u;
  var value: vec4<f32>;
${
  along === 'channel'
    ? `  let codes = ${name}[group + (4u * chunk / ${perWord}u) * 32u + t] >> (${bits}u * (4u * chunk % ${perWord}u));
  for (var i = 0u; i < 4u; i++) {
    let parameter = unpack2x16float(${name}[group + ${codeWords}u + 4u * chunk + i]);
    value[i] = parameter.x + parameter.y * f32(extractBits(codes, ${bits}u * i, ${bits}u));
  }`
    : `  let parameter = unpack2x16float(${name}[group + ${codeWords}u + (chunk / 8u) * 32u + t]);
  for (var i = 0u; i < 4u; i++) {
    let codes = ${name}[group + (t / ${perWord}u) * ${width}u + 4u * chunk + i];
    value[i] = parameter.x + parameter.y * f32(extractBits(codes, ${bits}u * (t % ${perWord}u), ${bits}u));
  }`
}
  return value;
}`,
    ],
    params: {
      [`${name}_heads`]: u32(numKvHeads),
      [`${name}_groups`]: u32(groups),
      [`${name}_recent_at`]: u32(recentAt),
      [`${name}_recent_rows`]: u32(recentRows),
    },
  }
}

const int8Values = `fn int8_values(word: u32) -> vec4<f32> {
  let codes = bitcast<i32>(word);
  return vec4<f32>(vec4<i32>(extractBits(codes, 0u, 8u), extractBits(codes, 8u, 8u), extractBits(codes, 16u, 8u), extractBits(codes, 24u, 8u)));
}`

/** Decodes e4m3. Below 2^-6 it counts steps of 2^-9: as f32 bits, those subnormals would be flushed to 0. */
const fp8Values = `fn fp8_value(code: u32) -> f32 {
  let magnitude = code & 0x7fu;
  let value = select(bitcast<f32>((magnitude << 20u) + 0x3c000000u), f32(magnitude) * 0.001953125, magnitude < 8u);
  return select(value, -value, code >= 0x80u);
}
fn fp8_values(word: u32) -> vec4<f32> {
  return vec4<f32>(fp8_value(word & 0xffu), fp8_value((word >> 8u) & 0xffu), fp8_value((word >> 16u) & 0xffu), fp8_value(word >> 24u));
}`
