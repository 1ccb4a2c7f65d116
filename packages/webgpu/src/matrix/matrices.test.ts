import { expect, test } from 'vitest'
import type { SubgroupMatrixConfig } from './config.ts'
import { matricesOf } from './matrices.ts'

const config = (
  M: number,
  N: number,
  K: number,
  componentType: string,
  resultComponentType = 'f32',
  verified: true | string = true,
): SubgroupMatrixConfig => ({ M, N, K, componentType, resultComponentType, verified })
const capable = (...subgroupMatrixConfigs: readonly SubgroupMatrixConfig[]) => ({
  features: ['chromium-experimental-subgroup-matrix'],
  languageFeatures: ['subgroup_id'],
  subgroupMatrixConfigs,
})

test('the largest matrices of the wanted type that were verified', () => {
  const nvidia = capable(
    config(16, 8, 16, 'f16'),
    config(16, 16, 16, 'f16'),
    config(16, 16, 16, 'f16', 'f16', 'sums in f16 lose too many digits'),
  )
  expect(matricesOf(nvidia, 'f16')).toMatchObject({
    M: 16,
    N: 16,
    K: 16,
    componentBytes: 2,
    enables: ['f16', 'subgroups', 'chromium_experimental_subgroup_matrix'],
  })
  expect(
    matricesOf(capable(config(16, 16, 16, 'f16', 'f32', 'is 3 instead of 4'), config(16, 8, 16, 'f16')), 'f16'),
  ).toMatchObject({ N: 8 })
  expect(matricesOf(capable(config(8, 8, 8, 'f32')), 'f32')).toMatchObject({
    M: 8,
    componentBytes: 4,
    enables: ['subgroups', 'chromium_experimental_subgroup_matrix'],
  })
})

test('or the reason why there are none', () => {
  expect(matricesOf({ ...capable(), features: [] }, 'f16')).toContain('without the feature')
  expect(matricesOf({ ...capable(), languageFeatures: [] }, 'f16')).toContain('subgroup_id')
  expect(matricesOf(capable(), 'f16')).toContain('none at all')
  expect(matricesOf(capable(config(8, 8, 8, 'f16', 'f16')), 'f16')).toContain('it has 8 × 8 × 8 of f16, summed in f16')
  expect(matricesOf(capable(config(8, 8, 8, 'f32', 'f32', 'a sum is 3 instead of 4')), 'f32')).toContain(
    '8 × 8 × 8 of f32, summed in f32: a sum is 3 instead of 4',
  )
})
