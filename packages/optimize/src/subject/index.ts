export { type DecoderSubject, type EncoderSubject, type Subject, subjectOf, type SubjectOptions } from './subject.ts'
