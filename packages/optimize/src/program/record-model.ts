import { denseCache } from '@tessera-llm/attention'
import { cacheLayersOf, packSequences, uploadStep, type WeightSource } from '@tessera-llm/runtime'
import { type Device, formatShape, sameShape, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { canonicalName } from '../names/index.ts'
import type { Subject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import { memoriesOf, type Program, type Site, type Step } from './program.ts'
import { createRecordingDevice } from './recording-device.ts'

/**
 * Records the forward pass of a model over one window of `tokens` tokens, including a decoder's logits of all tokens;
 * an encoder reads the window as one sequence. Works for any family, because only op calls are recorded.
 *
 * @throws TesseraError `invalid-file` for weights that are missing or have another shape, `unsupported` for a forward
 *   pass that cannot be recorded
 */
export async function recordModel(subject: Subject, tokens: number): Promise<Program> {
  const { weights } = subject
  const recording = createRecordingDevice()
  const { device, memoryOf } = recording
  const names = new Map<number, string>()
  const vectors = new Map<number, string>()
  const find = (stored: string, shape: readonly number[], from: unknown): ModelWeight => {
    if (from !== undefined)
      throw new TesseraError(
        'unsupported',
        `optimize: ${stored} is stored as part of another tensor or transposed; such a model cannot be compressed yet`,
      )
    const weight = weights.get(canonicalName(stored))
    if (!weight) throw new TesseraError('invalid-file', `optimize: the weight ${stored} is missing`)
    if (!sameShape(weight.shape, shape))
      throw new TesseraError(
        'invalid-file',
        `optimize: ${stored} must have shape ${formatShape(shape)}, but has ${formatShape(weight.shape)}`,
      )
    return weight
  }
  const source: WeightSource = {
    has: (stored) => stored !== '' && weights.has(canonicalName(stored)),
    shapeOf: (stored) => weights.get(canonicalName(stored))?.shape,
    async matrix(stored, shape, from) {
      const { name } = find(stored, shape, from)
      const tensor = device.empty(shape, 'f32')
      names.set(memoryOf(tensor.storage), name)
      return tensor
    },
    // Vectors are small, and a family may read them while it builds.
    async vector(stored, size, from) {
      const weight = find(stored, [size], from)
      const tensor = device.tensor(await weight.read(), [size])
      vectors.set(memoryOf(tensor.storage), weight.name)
      return tensor
    },
    number: async (stored) => (await find(stored, [1], undefined).read())[0] as number,
    constant: (values, shape) => device.tensor(values, shape),
    byteLength: 0,
    dispose: () => {},
  }
  const { ids, forward } = await prepareForward(subject, source, device, tokens)
  const before = recording.memory.size
  const output = forward()
  const last = lastUses(recording.steps).set(memoryOf(output.storage), recording.steps.length)
  const initial = new Map(
    [...recording.memory].filter(
      ([memory, { bytes }]) => !names.has(memory) && (memory < before || bytes !== undefined),
    ),
  )
  return {
    steps: recording.steps,
    weights: names,
    vectors,
    initial,
    ids: memoryOf(ids.storage),
    tokens,
    output: { kind: 'dense', memory: memoryOf(output.storage), dtype: output.dtype, shape: output.shape },
    lastUse: last,
    sites: findSites(recording.steps, names),
  }
}

/** With an observer, a layer calls every linear layer separately, as methods compress them. */
const observe = (): void => {}

/** Builds the model and the inputs of its forward pass. */
async function prepareForward(
  subject: Subject,
  source: WeightSource,
  device: Device,
  tokens: number,
): Promise<{ readonly ids: Tensor; readonly forward: () => Tensor }> {
  const window = Array.from({ length: tokens }, () => 0)
  if (subject.kind === 'encoder') {
    const encoder = await subject.family.build(subject.config, subject.container, source, device)
    const packed = packSequences(device, [window])
    return { ids: packed.ids, forward: () => encoder.forward(packed, { activations: 'f32', observe }) }
  }
  const { config, container, family } = subject
  const model = await family.build(config, container, source, device)
  const cache = denseCache('f32').create(device, { layers: cacheLayersOf(config), batch: 1, capacity: tokens })
  cache.prepare(0, tokens)
  const step = uploadStep(device, window)
  return {
    ids: step.ids,
    forward: () => model.forward(step, cache, { logits: 'all', activations: 'f32', observe }) as Tensor,
  }
}

function lastUses(steps: readonly Step[]): Map<number, number> {
  const last = new Map<number, number>()
  for (const [index, { inputs, outputs }] of steps.entries()) {
    for (const slot of [...Object.values(inputs), ...Object.values(outputs)])
      if (slot) for (const { memory } of memoriesOf(slot)) last.set(memory, index)
  }
  return last
}

function findSites(steps: readonly Step[], names: ReadonlyMap<number, string>): readonly Site[] {
  const sites = new Map<number, { site: Omit<Site, 'linears'>; linears: string[] }>()
  for (const [
    index,
    {
      op,
      inputs: { x, weight },
    },
  ] of steps.entries()) {
    const name = weight?.kind === 'dense' ? names.get(weight.memory) : undefined
    if (op.id !== 'linear' || name === undefined || x?.kind !== 'dense') continue
    const known = sites.get(x.memory)
    if (known) known.linears.push(name)
    else sites.set(x.memory, { site: { name, input: x, step: index }, linears: [name] })
  }
  return [...sites.values()].map(({ site, linears }) => ({ ...site, linears }))
}
