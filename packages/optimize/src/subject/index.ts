export { type Subject, subjectOf, type SubjectOptions } from './subject.ts'
