export { type ChatMessage, type ChatTemplate, createChatTemplate, type RenderOptions } from './chat-template.ts'
