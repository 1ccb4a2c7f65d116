export { hashFile } from './hash-file.ts'
export { type MeasuredQuality, measureQuality } from './measure-quality.ts'
export { type RecipeArguments, recipeOf } from './recipe-arguments.ts'
export { forgetWork, runRecipe, subjectOfFiles } from './run-recipe.ts'
