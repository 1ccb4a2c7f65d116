export {
  constant,
  edgeLengths,
  type HostValue,
  integers,
  normal,
  type RandomValueOptions,
  uniform,
  upload,
  values,
} from './generate.ts'
