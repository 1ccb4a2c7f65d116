import { spreadE4M3, spreadE5M2 } from './floats'
import { codesAt, E4M3, E5M2, formAt, hasHalves, LEVELS, LEVELS_2, LEVELS_3, levelsAt } from './layout'
import { spreadLevels } from './levels'
import { spreadPanel } from './panel'

/** Decodes the panel of a group to f32 [K][8]; `layout` describes the weight. */
export function spreadBy(layout: usize, panel: usize, blocks: i32, to: usize): void {
  switch (codesAt(layout)) {
    case LEVELS:
    case LEVELS_2:
    case LEVELS_3:
      return spreadLevels(panel, blocks, levelsAt(layout), to)
    case E4M3:
      return spreadE4M3(panel, blocks, to)
    case E5M2:
      return spreadE5M2(panel, blocks, to)
    default:
      spreadPanel(panel, blocks, hasHalves(formAt(layout)), to)
  }
}
