export { transformSubject } from './transform-subject.ts'
