export { namedRecipe, namedRecipes } from './named-recipes.ts'
export { parseRecipe, parseRecipeJson } from './parse-recipe.ts'
export { type AwqStep, type CodebookFormat, codebooks, type GgmlFormat, ggmlFormats, type IntegerFormat, type Layout, layouts, type QuantizeStep, type Recipe, type RecipeCalibration, type RecipeStep, type RotateStep, type SmoothStep, type Targets, type WeightFormat } from './recipe.ts'
export { matchTargets } from './targets.ts'
