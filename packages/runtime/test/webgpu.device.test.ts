import { describeLlama } from './cases/llama.ts'
import { makeWebGpu } from './support/webgpu.ts'

describeLlama('webgpu', makeWebGpu)
