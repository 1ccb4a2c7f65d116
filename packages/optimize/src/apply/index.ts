export { type Applied, type ApplyOptions, type ApplyProgress, applyRecipe } from './apply-recipe.ts'
export { type Assignments, assignSteps } from './assignments.ts'
