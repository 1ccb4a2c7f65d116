import { expect, it } from 'vitest'
import { lanesOf } from './lanes.ts'

const hardware = { isFallback: false, features: ['subgroups'], languageFeatures: ['subgroup_id'], subgroupMinSize: 32 }

it('takes subgroups where the device has them and can say which lane is where', () => {
  expect(lanesOf(hardware)).toMatchObject({
    isSubgroup: true,
    subgroupMinSize: 32,
    enables: ['subgroups'],
    fragment: expect.stringContaining('@builtin(subgroup_id)'),
  })
  for (const less of [{ features: [] }, { languageFeatures: [] }, { isFallback: true }, { subgroupMinSize: 0 }]) {
    expect(lanesOf({ ...hardware, ...less })).toMatchObject({
      isSubgroup: false,
      enables: [],
      fragment: expect.stringContaining('@builtin(local_invocation_index)'),
    })
  }
})
