import { describeLlama } from '../../test/cases/llama.ts'
import { makers } from '../../test/support/devices.ts'

describeLlama('reference', makers.reference)
describeLlama('wasm', makers.wasm)
