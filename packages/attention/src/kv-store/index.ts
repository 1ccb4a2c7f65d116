export { kvStore, type KvStoreInputs, kvStoreOp, type KvStoreOptions } from './contract.ts'
