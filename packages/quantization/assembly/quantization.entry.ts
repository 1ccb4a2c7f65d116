export { layTokens } from '@tessera-llm/kernels/assembly/linear/linear'
export { panelRow, panelTile, panelTile6 } from '@tessera-llm/kernels/assembly/linear/panel'
export { gather } from './rows8/embedding'
export { gemvE4M3, gemvE5M2, roundTokens, spreadE4M3, spreadE5M2, tokenE4M3, tokenE5M2 } from './rows8/floats'
export { gatedDotAdd, gatedInt8, qkvDotAdd, qkvInt8 } from './rows8/fused'
export { spreadLevels, widenLevels } from './rows8/levels'
export { gemmDotAdd, roundTokensForAdd } from './rows8/linear/dot-add'
export { exactProduct } from './rows8/linear/exact'
export { gemmInt8, quantizeTokens } from './rows8/linear/tokens'
export { gemvDotAdd, gemvInt8 } from './rows8/linear/one-token'
export { packBlocks, packGroup } from './rows8/pack'
export { packSuperBlock, packSuperBlocks } from './rows8/pack-k'
export { gemmRows, quantizeRows, rowsTile } from './rows8/rows'
export { gemmRowsDotAdd, roundRowsForAdd, rowsTileAdd } from './rows8/rows-dot-add'
export { tileAddHalvesOffset, tileAddHalvesZero, tileAddOffset, tileAddZero } from './rows8/tiles/dot-add'
export {
  tileNarrow1Offset,
  tileNarrow1Zero,
  tileNarrow2HalvesOffset,
  tileNarrow2HalvesZero,
  tileNarrow2Offset,
  tileWrapped,
  tileWrappedHalves,
} from './rows8/tiles/narrow'
export { tileWide, tileWideHalves, tileWideHalvesOffset, tileWideOffset } from './rows8/tiles/wide'
export {
  tokenHalf,
  tokenHalfOffset,
  tokenU8Offset,
  tokenI8,
  tokenI8Halves,
  tokenU8HalvesOffset,
  tokenBrain,
  tokenE4M3Halves,
  tokenShared,
  tokenSharedHalf,
  tokenSharedHalfZero,
  tokenSharedOffset,
} from './rows8/token/finish'
export {
  addBytes,
  addCrumbs,
  addE2M1,
  addIQ4,
  addLevels,
  addLevels2,
  addLevels3,
  addNibbles,
  addNibbles1,
  addNibbles2,
  addOctals,
} from './rows8/token/sums-add'
export { sumsIQ4Bytes } from './rows8/token/iq4'
export { sumsIQ4, sumsLevels, sumsLevels2, sumsLevels3, sumsWideNibbles } from './rows8/token/levels'
export { byteSums } from './rows8/token/wide'
export { sumsE2M1, sumsNibbles2 } from './rows8/token/halves'
export { sumsCrumbs, sumsOctals } from './rows8/token/small'
export { sumsNibbles, sumsNibbles1 } from './rows8/token/nibbles'
export {
  scalesBrain,
  scalesE4M3Halves,
  scalesHalf,
  scalesHalfOffset,
  scalesI8,
  scalesI8Halves,
  scalesShared,
  scalesSharedHalf,
  scalesSharedHalfZero,
  scalesSharedOffset,
  scalesU8HalvesOffset,
  scalesU8Offset,
} from './rows8/unpack/scales'
export {
  unpackBytes,
  unpackNibbles,
  unpackNibbles1,
  unpackNibbles2,
  unpackE2M1,
  unpackIQ4,
  unpackCrumbs,
  unpackOctals,
} from './rows8/unpack/codes'
