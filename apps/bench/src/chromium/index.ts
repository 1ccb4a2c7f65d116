export { type ChromiumPage, openPage, type PageOptions } from './page.ts'
