export { currentPanel, gradientPanel, pendingPanel, solvePanel } from './gptq/products'
export { fitPanel, simulatePanel, sweepPanel } from './gptq/panel'
export { refineRow } from './gptq/refine'
