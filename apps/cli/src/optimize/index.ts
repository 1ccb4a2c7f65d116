export { type RecipeArguments, recipeOf, recipeOptions } from './recipe-arguments.ts'
