export { multiplyPanels, tile } from './linear-algebra/panels'
