export { renderMarkdown } from './markdown.ts'
export { type Report, reportWorkload, roofsOf, type Roofs, subject, type WorkloadReport } from './report.ts'
