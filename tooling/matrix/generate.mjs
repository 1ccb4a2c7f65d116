/** Generates 16 tokens, says on what, and disposes the model. */
export async function generateGreedily(model, prompt) {
  try {
    const tokens = []
    for await (const { id } of model.generate(prompt, { maxTokens: 16, temperature: 0 })) tokens.push(id)
    const { device } = model
    const facts = device.wasm
      ? { threads: device.wasm.threads }
      : { shaderF16: device.capabilities.features.includes('shader-f16') }
    return { device: device.name, ...facts, tokens }
  } finally {
    await model.dispose()
  }
}
