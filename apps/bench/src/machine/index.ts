export { monitorLoad } from './load-monitor.ts'
export { describeMachine, type Machine } from './machine.ts'
export { peakBytesOfDescendants } from './process-stat.ts'
