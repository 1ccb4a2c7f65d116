import {
  bufferSink,
  bufferSource,
  type ByteSink,
  readSafetensors,
  type StoredTensor,
  type TensorData,
  writeSafetensors,
} from '@tessera-llm/formats'
import { type Device, lastAxis, TesseraError } from '@tessera-llm/tensor'
import { createStream, recordModel } from '../program/index.ts'
import type { RecipeCalibration } from '../recipe/index.ts'
import { memoryStore, type WorkStore } from '../store/index.ts'
import type { Subject } from '../subject/index.ts'
import { type SiteEntry, siteTensors } from './artefact.ts'
import { type CalibrationText, calibrationSizes, calibrationWindows } from './calibration-windows.ts'
import { gatherSite } from './gather.ts'

/** Options of `calibrate`: the device, number and length of windows, and a store to resume from. */
export interface CalibrateOptions extends RecipeCalibration {
  readonly device: Device
  /** Stores each site's statistics; a later run of the same model and text resumes from them. Default: memory. */
  readonly store?: WorkStore | undefined
  /** Key of the statistics in `store`, such as a hash of model and text. */
  readonly identity?: string | undefined
  readonly onProgress?: ((done: number, total: number, site: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Gathers statistics of the inputs of every linear layer (second moments, sums, ranges) in one pass over a text, and
 * writes them as a safetensors file, so that methods and settings can be compared without another pass. Layers with the
 * same input share one entry. Memory holds one layer's weights and one site's statistics at a time.
 *
 * @throws TesseraError `invalid-value` for a text that is too short or activations that are not finite, `aborted`
 */
export async function calibrate(
  subject: Subject,
  text: CalibrationText,
  sink: ByteSink,
  options: CalibrateOptions,
): Promise<void> {
  const { device, store = memoryStore(), signal, onProgress } = options
  const { windows: count, window } = calibrationSizes(subject, options)
  const windows = calibrationWindows(text, { windows: count, window }, subject.config.contextLength)
  await store.claim(JSON.stringify(['calibrate', 1, options.identity ?? '', count, window]))
  const program = await recordModel(subject, window)
  const sites: SiteEntry[] = program.sites.map(({ name, linears, input }) => ({
    name,
    linears,
    columns: lastAxis(input.shape),
    count: count * window,
  }))
  const pending = new Set<string>()
  for (const { name } of sites) if (!(await store.get(name))) pending.add(name)
  const stream = createStream({
    device,
    program,
    windows,
    signal,
    weight: async (name) =>
      device.tensor(
        (await subject.weights.get(name)?.read(signal)) as Float32Array,
        subject.weights.get(name)?.shape ?? [],
      ),
  })
  try {
    for (const [index, site] of program.sites.entries()) {
      if (!pending.has(site.name)) continue
      await stream.advance(site.step)
      const statistics = await gatherSite(device, site, windows.length, stream)
      const part = bufferSink()
      await writeSafetensors({ tensors: siteTensors({ name: site.name, linears: site.linears, statistics }) }, part)
      await store.put(site.name, part.bytes())
      onProgress?.(index + 1, sites.length, site.name)
    }
  } catch (error) {
    if (signal?.aborted)
      throw new TesseraError('aborted', 'calibrate: aborted by the caller; run it again to go on', { cause: error })
    throw error
  } finally {
    stream.dispose()
  }
  const tensors: TensorData[] = []
  for (const { name } of sites) {
    const part = await readSafetensors(bufferSource((await store.get(name)) as Uint8Array<ArrayBuffer>))
    // Read again when the writer needs it, so that memory holds one site at a time.
    for (const { name: tensor, shape, format } of part.tensors.values())
      tensors.push({ name: tensor, shape, format, bytes: async () => (await tensorOf(store, name, tensor)).read() })
  }
  await writeSafetensors(
    { metadata: { 'tessera.calibration': JSON.stringify(sites) }, tensors },
    sink,
    signal ? { signal } : {},
  )
}

async function tensorOf(store: WorkStore, site: string, tensor: string): Promise<StoredTensor> {
  const part = await readSafetensors(bufferSource((await store.get(site)) as Uint8Array<ArrayBuffer>))
  return part.tensors.get(tensor) as StoredTensor
}
