import { compareLogits } from '@tessera-llm/evaluation'
import { type Device, lastAxis } from '@tessera-llm/tensor'
import { type Applied, applyRecipe } from '../apply/index.ts'
import type { CalibrationSizes, CalibrationText } from '../calibration/index.ts'
import { createStream, type Program, recordModel } from '../program/index.ts'
import { decodeWeight, type Solver } from '../quantize/index.ts'
import type { Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { meanOf } from './shrink-losses.ts'

export interface JointLossOptions {
  readonly device: Device
  readonly calibration: CalibrationText
  /** The windows that the recipe is calibrated on here: few. */
  readonly sizes: CalibrationSizes
  /** Windows that the divergence is measured on, after every token, all of the same length; others than those of the calibration. */
  readonly probes: readonly (readonly number[])[]
  readonly solver: Solver
  readonly signal?: AbortSignal | undefined
  /** In floating-point operations of the device's product. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * KL divergence of the whole model after a recipe, nats a token, in the small: the recipe is applied with a few windows of its
 * calibration. That sees what losses of single weights do not: errors that later layers make up for (`correct`), and those that add up.
 *
 * @throws TesseraError what `applyRecipe` throws
 */
export async function jointLoss(original: Subject, recipe: Recipe, options: JointLossOptions): Promise<number> {
  const { device, calibration, sizes, probes, solver, signal, onProgress } = options
  const applied = await applyRecipe(
    original,
    { ...recipe, calibration: sizes },
    { device, calibration, solver, signal, onProgress: ({ done, total }) => onProgress?.(done, total) },
  )
  const program = await recordModel(applied.subject, probes[0]?.length ?? 0)
  const logitsOf = (isCompressed: boolean): Promise<readonly Float32Array[]> =>
    logits(program, applied, isCompressed, options)
  const [before, after] = [await logitsOf(false), await logitsOf(true)]
  const width = lastAxis(program.output.shape)
  return meanOf(
    before.flatMap((rows, probe) =>
      Array.from(
        { length: rows.length / width },
        (_, token) =>
          compareLogits(
            rows.subarray(token * width, (token + 1) * width),
            (after[probe] as Float32Array).subarray(token * width, (token + 1) * width),
            0,
          ).divergence,
      ),
    ),
  )
}

/** The logits of each probe, f32 [tokens, vocabulary]. */
async function logits(
  program: Program,
  { subject, assignments, weight }: Applied,
  isCompressed: boolean,
  { device, probes, signal }: JointLossOptions,
): Promise<readonly Float32Array[]> {
  const stream = createStream({
    device,
    program,
    windows: probes,
    signal,
    async weight(name) {
      const found = subject.weights.get(name)
      const values =
        isCompressed && assignments.has(name)
          ? await decodeWeight((await weight(name)).weight)
          : ((await found?.read(signal)) as Float32Array)
      return device.tensor(values, found?.shape ?? [])
    },
  })
  try {
    await stream.advance(program.steps.length)
    const all: Float32Array[] = []
    for (const probe of probes.keys()) {
      const tensor = stream.tensor(probe, program.output)
      all.push((await device.read(tensor)) as Float32Array)
      tensor.dispose()
    }
    return all
  } finally {
    stream.dispose()
  }
}
