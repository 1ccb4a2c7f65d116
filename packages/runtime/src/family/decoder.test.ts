import { describeDecoders } from '../../test/cases/decoder.ts'
import { makers } from '../../test/support/devices.ts'

describeDecoders('reference', makers.reference)
describeDecoders('wasm', makers.wasm)
