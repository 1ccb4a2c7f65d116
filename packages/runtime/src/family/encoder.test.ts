import { describeEncoders } from '../../test/cases/encoder.ts'
import { makers } from '../../test/support/devices.ts'

describeEncoders('reference', makers.reference)
describeEncoders('wasm', makers.wasm)
