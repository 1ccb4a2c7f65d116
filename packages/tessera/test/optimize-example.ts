import { optimizeModel } from '@tessera-llm/tessera/node'

const receipt = await optimizeModel({
  input: 'model.gguf',
  output: 'smaller.gguf',
  recipe: {
    calibration: { windows: 4, window: 64 },
    steps: [{ kind: 'quantize', method: 'gptq', format: 'q4_0' }],
  },
  calibration: 'text.txt',
  evaluation: { text: 'other.txt', window: 64 },
})
console.log(`${receipt.input.bytes} → ${receipt.output.bytes} bytes, divergence ${receipt.quality?.kld}`)
