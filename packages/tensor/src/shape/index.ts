export { checkShape, formatShape, lastAxis, rowsOf, sameShape, type Shape, sizeOf } from './shape.ts'
