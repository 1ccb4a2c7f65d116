export { createSolver, type SolverOptions, type WasmSolver } from './solver/create-solver.ts'
