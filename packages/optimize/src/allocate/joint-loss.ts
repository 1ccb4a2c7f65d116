import { compareLogits } from '@tessera-llm/evaluation'
import { type Device, lastAxis } from '@tessera-llm/tensor'
import { applyRecipe } from '../apply/index.ts'
import type { CalibrationSizes, CalibrationText } from '../calibration/index.ts'
import { createStream, recordModel } from '../program/index.ts'
import { decodeWeight, type Solver } from '../quantize/index.ts'
import type { Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { meanOf } from './shrink-losses.ts'

export interface JointLossOptions {
  readonly device: Device
  readonly calibration: CalibrationText
  /** The windows that the recipe is calibrated on here: few. */
  readonly sizes: CalibrationSizes
  /**
   * Windows that the divergence is measured on, after every token, all of the same length; others than those of the
   * calibration.
   */
  readonly probes: readonly (readonly number[])[]
  readonly solver: Solver
  readonly signal?: AbortSignal | undefined
  /** In floating-point operations of the device's product. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * KL divergences of the whole model after each recipe, nats a token, in the small: recipes are applied with a few
 * windows of their calibration. That sees what losses of single weights do not: errors that later layers make up for
 * (`correct`), and those that add up. Logits of the original are kept meanwhile, f32 of all probes.
 *
 * @throws TesseraError what `applyRecipe` throws
 */
export async function jointLosses(
  original: Subject,
  recipes: readonly Recipe[],
  options: JointLossOptions,
): Promise<readonly number[]> {
  const { device, calibration, sizes, solver, signal, onProgress } = options
  const expected: Float32Array[] = []
  const readOriginal = async (name: string): Promise<Float32Array> =>
    (await original.weights.get(name)?.read(signal)) as Float32Array
  await eachLogits(original, readOriginal, options, (rows) => void expected.push(rows))
  const losses: number[] = []
  for (const [index, recipe] of recipes.entries()) {
    const { subject, assignments, weight } = await applyRecipe(
      original,
      { ...recipe, calibration: sizes },
      {
        device,
        calibration,
        solver,
        signal,
        onProgress: ({ done, total }) => onProgress?.(index * total + done, recipes.length * total),
      },
    )
    const read = async (name: string): Promise<Float32Array> =>
      assignments.has(name)
        ? decodeWeight((await weight(name)).weight)
        : ((await subject.weights.get(name)?.read(signal)) as Float32Array)
    const divergences: number[] = []
    await eachLogits(subject, read, options, (rows, width, probe) => {
      for (let at = 0; at < rows.length; at += width)
        divergences.push(
          compareLogits((expected[probe] as Float32Array).subarray(at, at + width), rows.subarray(at, at + width), 0)
            .divergence,
        )
    })
    losses.push(meanOf(divergences))
  }
  return losses
}

/** Calls `use` with the logits of each probe in turn, f32 [tokens, width]. */
async function eachLogits(
  subject: Subject,
  read: (name: string) => Promise<Float32Array>,
  { device, probes, signal }: JointLossOptions,
  use: (rows: Float32Array, width: number, probe: number) => void,
): Promise<void> {
  const program = await recordModel(subject, probes[0]?.length ?? 0)
  const stream = createStream({
    device,
    program,
    windows: probes,
    signal,
    weight: async (name) => device.tensor(await read(name), subject.weights.get(name)?.shape ?? []),
  })
  try {
    await stream.advance(program.steps.length)
    for (const probe of probes.keys()) {
      const tensor = stream.tensor(probe, program.output)
      use((await device.read(tensor)) as Float32Array, lastAxis(program.output.shape), probe)
      tensor.dispose()
    }
  } finally {
    stream.dispose()
  }
}
