export type { Backend, BackendPlan, Launch } from './backend.ts'
export { createDevice } from './create-device.ts'
export type { Device, DeviceKind, MemoryUse, Plan, RunOptions, Scope } from './device.ts'
