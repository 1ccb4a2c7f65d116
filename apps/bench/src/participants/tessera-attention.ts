import { attention, attentionBackward } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import type { Tensor } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import type { AttentionEngine } from '../participant/attention/index.ts'
import { attentionData, type AttentionTensor, type AttentionWorkload, axesOf, probesOf } from '../workload/index.ts'

/** `kernel`: the one to use; the device's choice when absent. */
export async function openTesseraAttention(workload: AttentionWorkload, kernel?: string): Promise<AttentionEngine> {
  const device = await createWasmDevice({ kernels: attentionWasm, threads: workload.threads })
  const run = kernel === undefined ? {} : { kernel }
  const made = (name: AttentionTensor) => {
    const data = attentionData(workload, name)
    return { data, tensor: device.tensor(data, [1, ...axesOf(workload, name), workload.headDim]) }
  }
  const [q, k, v] = [made('q'), made('k'), made('v')]
  const gradient = workload.kind === 'attention-gradient' ? made('do') : undefined
  const forward = gradient && attention(q.tensor, k.tensor, v.tensor, { isCausal: true }, run)
  const given = workload.kind === 'attention-decode' ? [q] : gradient ? [q, k, v, gradient] : [q, k, v]
  const plan = device.capture((): readonly Tensor[] => {
    if (!gradient || !forward)
      return [attention(q.tensor, k.tensor, v.tensor, { isCausal: true, returnLse: false }, run).o]
    const { dq, dk, dv } = attentionBackward(
      { q: q.tensor, k: k.tensor, v: v.tensor, ...forward, do: gradient.tensor },
      { isCausal: true },
      run,
    )
    return [dq, dk, dv]
  })
  const compute = async (): Promise<ArrayLike<number>> => {
    for (const { tensor, data } of given) device.write(tensor, data)
    plan.replay()
    const results = await Promise.all(plan.result.map((tensor) => device.read(tensor)))
    return results[0] as Float32Array
  }
  return {
    async run() {
      await compute()
    },
    answer: async () => probesOf(workload, await compute()),
    close: () => device.dispose(),
  }
}
