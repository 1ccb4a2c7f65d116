export { awq, type AwqOptions, type AwqScales, awqScales } from './awq.ts'
