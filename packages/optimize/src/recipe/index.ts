export { parseBytes } from './bytes.ts'
export { parseRecipe, parseRecipeJson } from './parse-recipe.ts'
export { type AllocateStep, type GgmlFormat, ggmlFormats, type IntegerFormat, type QuantizeStep, type Recipe, type RecipeCalibration, type RecipeStep, type RotateStep, type SmoothStep, type Targets, type WeightFormat } from './recipe.ts'
export { matchTargets } from './targets.ts'
