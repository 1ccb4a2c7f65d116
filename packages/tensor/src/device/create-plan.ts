import { TesseraError } from '../error/index.ts'
import type { Tensor } from '../tensor/index.ts'
import type { BackendPlan } from './backend.ts'
import type { Plan } from './device.ts'

/**
 * Plan of a capture: its launches and the tensors that they own. `checkReady` throws if the device cannot replay now.
 */
export function createPlan<T>(
  name: string,
  result: T,
  plan: BackendPlan,
  owned: ReadonlySet<Tensor>,
  checkReady: () => void,
): Plan<T> {
  let released = false
  const checkReplay = (): void => {
    checkReady()
    if (released)
      throw new TesseraError('disposed', `${name}: a plan was replayed after it was disposed; capture again`)
  }
  return {
    result,
    launches: plan.launches,
    replay() {
      checkReplay()
      plan.replay()
    },
    async replayInSlices(pause) {
      checkReplay()
      if (!plan.replayRange) return plan.replay()
      for (let launch = 0; launch < plan.launches; launch++) {
        const pausing = launch > 0 ? pause() : undefined
        if (pausing) {
          await pausing
          checkReplay()
        }
        plan.replayRange(launch, launch + 1)
      }
    },
    dispose() {
      if (released) return
      released = true
      for (const tensor of owned) tensor.dispose()
      plan.dispose()
    },
  }
}
