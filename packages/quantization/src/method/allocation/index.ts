export { allocate, type Allocation, type AllocationOption } from './allocate.ts'
