import { expect, it } from 'vitest'
import { condenseWgsl } from './wgsl.mjs'

it('keeps code and lets comments, indentation and empty lines go', () => {
  const source = '// What it does.\n\nfn main() { // here\n  let a = b / c;\n    return;\n}\n'
  expect(condenseWgsl(source)).toBe('fn main() {\nlet a = b / c;\nreturn;\n}')
})
