export { type EmbedEngine, measureEmbed } from './measure.ts'
export { createEmbedParticipant, type EmbedAdapter, type EmbedTexts, isEmbed, tokenized } from './serve-embed.ts'
