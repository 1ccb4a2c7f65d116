export { createModelParticipant, type ModelAdapter, type ModelEngine, promptText, serveModel } from './serve-model.ts'
