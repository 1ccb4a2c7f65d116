export { type ChildOptions, type ChildParticipant, startChild } from './child.ts'
export { type Description, type Participant, type Sample, UnavailableError } from './protocol.ts'
export { serve } from './serve.ts'
