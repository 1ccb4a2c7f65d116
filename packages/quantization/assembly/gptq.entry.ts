export { currentPanel, gradientPanel, pendingPanel } from './gptq/products'
export { fitPanel, simulatePanel, sweepPanel } from './gptq/panel'
export { refineRow } from './gptq/refine'
