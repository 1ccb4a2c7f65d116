export { bytesAs, formatLabel, isFloat8 } from './format-bytes.ts'
export { bytesByClass, planRecipe, type PlannedTensor, type PlanOptions, type RecipePlan } from './plan-recipe.ts'
export { planNotes } from './plan-notes.ts'
