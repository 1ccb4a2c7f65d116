export { type Calibration, readCalibration, type SiteEntry, type SiteStatistics } from './artefact.ts'
export { calibrate, type CalibrateOptions } from './calibrate.ts'
export {
  type CalibrationText,
  type CalibrationSizes,
  calibrationSizes,
  calibrationWindows,
} from './calibration-windows.ts'
export { gatherSite } from './gather.ts'
