export { parseByteSize } from './byte-size.ts'
export { namedRecipe, namedRecipes } from './named-recipes.ts'
export { parseRecipe, parseRecipeJson } from './parse-recipe.ts'
export { recipeCache } from './recipe-cache.ts'
export {
  type AwqStep,
  type BudgetStep,
  type CodebookFormat,
  codebooks,
  type ConvertHeadsStep,
  type GgmlFormat,
  ggmlFormats,
  type IntegerFormat,
  type Layout,
  layouts,
  type Mix,
  mixes,
  type MixStep,
  type QuantizeStep,
  type Recipe,
  type RecipeCache,
  type RecipeCalibration,
  type RecipeStep,
  type RotateStep,
  type SmoothStep,
  type Targets,
  type WeightFormat,
} from './recipe.ts'
export { matchTargets } from './targets.ts'
