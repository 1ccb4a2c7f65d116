import { createBoundedCache } from '../bounded-cache/index.ts'
import { byteLengthOf, bytesOf, type DType, dtypeOfArray, dtypes, type TypedArray, viewBytes } from '../dtype/index.ts'
import { TesseraError } from '../error/index.ts'
import type { Format } from '../format/index.ts'
import { type Kernel, type Selection, selectKernel } from '../kernel/index.ts'
import {
  commonDevice,
  describeProblem,
  type InputSpecs,
  type Op,
  type OpInputs,
  type OpOptions,
  type OpOutputs,
  type Problem,
  problemKey,
  specOf,
} from '../op/index.ts'
import { checkShape, formatShape, type Shape, sizeOf } from '../shape/index.ts'
import {
  checkAlive,
  createPackedTensor,
  createTensor,
  type Storage,
  type Tensor,
  type Weight,
} from '../tensor/index.ts'
import type { Backend, BackendPlan } from './backend.ts'
import { createPlan } from './create-plan.ts'
import type { Device, Plan, RunOptions, Scope } from './device.ts'

interface Resolved<K extends Kernel> {
  readonly problem: Problem
  readonly key: string
  readonly selection: Selection<K>
  /** False while the call was only explained. */
  ran: boolean
}

/** The backend-independent part of a device: validation, kernel choice, ownership, accounting. For device packages. */
export function createDevice<K extends Kernel>(backend: Backend<K>): Device {
  // Bounded: every number of tokens is a problem of its own.
  const resolved = createBoundedCache<Resolved<K>>()
  const used = new Set<string>()
  const scopes: Set<Tensor>[] = []
  let capturing: Set<Tensor> | undefined
  let allocatedBytes = 0
  let peakBytes = 0
  let liveTensors = 0
  let disposed = false

  const checkOpen = (): void => {
    if (disposed) throw new TesseraError('disposed', `${backend.name}: the device was disposed; create a new one`)
  }

  const allocate = (dtype: DType, shape: Shape): Tensor => {
    checkOpen()
    checkShape(shape, 'tensor')
    const bytes = byteLengthOf(dtype, sizeOf(shape))
    const storage = backend.allocate(dtype, shape)
    allocatedBytes += bytes
    liveTensors += 1
    peakBytes = Math.max(peakBytes, allocatedBytes)
    const tensor = createTensor(device, dtype, shape, storage, (freed: Storage) => {
      allocatedBytes -= bytes
      liveTensors -= 1
      if (!disposed) backend.free(freed)
    })
    device.adopt(tensor)
    return tensor
  }

  const resolve = (op: Op, inputs: OpInputs, options: OpOptions, run: RunOptions): Resolved<K> => {
    const specs: Record<string, ReturnType<typeof specOf> | undefined> = {}
    for (const [name, tensor] of Object.entries(inputs)) specs[name] = tensor && specOf(tensor)
    // The key is computed from the unvalidated call, so that a repeated call skips validation too.
    const key = `${op.id}@${op.version}/${run.kernel ?? ''}/${problemKey({ op: op.id, inputs: specs, outputs: {}, options })}`
    const known = resolved.get(key)
    if (known) return known
    const problem = describeProblem(op, specs as InputSpecs, options)
    const selection = selectKernel(op, problem, backend.kernels, backend.capabilities, backend.name, run.kernel)
    const entry = { problem, key, selection, ran: false }
    resolved.set(key, entry)
    return entry
  }

  const device: Device = {
    kind: backend.kind,
    name: backend.name,
    capabilities: backend.capabilities,

    run<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
      op: Op<I, O, X>,
      inputs: I,
      options: X,
      run: RunOptions = {},
    ): O {
      checkOpen()
      for (const tensor of Object.values(inputs)) if (tensor) checkAlive(tensor, op.id)
      if (commonDevice(inputs, op.id) !== device)
        throw new TesseraError('device-mismatch', `${op.id}: the inputs are not on ${backend.name}`)
      const erased = op as unknown as Op
      const entry = resolve(erased, inputs, options, run)
      const { problem, key, selection } = entry
      if (selection.kernel === undefined && backend.kind !== 'reference') {
        throw new TesseraError(
          'missing-kernel',
          `${op.id}: no kernel on ${backend.name} (${selection.explanation.reason})`,
          { details: { key } },
        )
      }
      const outputs: Record<string, Tensor> = {}
      for (const [name, spec] of Object.entries(problem.outputs)) outputs[name] = allocate(spec.dtype, spec.shape)
      try {
        backend.launch({ op: erased, problem, key, kernel: selection.kernel, inputs, outputs })
        if (!entry.ran) {
          entry.ran = true
          used.add(`${problem.op}: ${selection.kernel?.name ?? backend.kind}`)
        }
      } catch (error) {
        for (const tensor of Object.values(outputs)) tensor.dispose()
        throw error
      }
      return outputs as unknown as O
    },

    explain(op, inputs, options, run = {}) {
      const { selection } = resolve(op as unknown as Op, inputs, options, run)
      if (backend.kind !== 'reference') return selection.explanation
      return {
        ...selection.explanation,
        kernel: 'reference',
        reason: 'the reference device runs the definition of every op',
      }
    },

    tensor(data, shape, dtype = dtypeOfArray(data)) {
      const expected = byteLengthOf(dtype, sizeOf(shape))
      if (data.byteLength !== expected) {
        throw new TesseraError(
          'invalid-shape',
          `tensor: ${formatShape(shape)} of ${dtype} takes ${expected} bytes, the data has ${data.byteLength}`,
        )
      }
      const tensor = allocate(dtype, shape)
      backend.write(tensor.storage, bytesOf(data), 0)
      return tensor
    },

    empty: (shape, dtype) => allocate(dtype, shape),

    pack(format: Format, shape, parts) {
      const tensors: Record<string, Tensor> = {}
      for (const [name, part] of Object.entries(format.parts(shape))) {
        const bytes = parts[name]
        const expected = byteLengthOf(part.dtype, sizeOf(part.shape))
        if (bytes?.byteLength !== expected) {
          for (const made of Object.values(tensors)) made.dispose()
          throw new TesseraError(
            'invalid-shape',
            `pack: the part ${name} of a ${format.id} weight of ${formatShape(shape)} takes ${expected} bytes, got ${bytes?.byteLength ?? 'none'}`,
          )
        }
        const tensor = allocate(part.dtype, part.shape)
        backend.write(tensor.storage, bytes, 0)
        tensors[name] = tensor
      }
      return createPackedTensor(device, format, shape, tensors)
    },

    write(tensor, data, offset = 0) {
      checkOpen()
      checkAlive(tensor, 'write')
      const offsetBytes = byteLengthOf(tensor.dtype, offset)
      if (!Number.isInteger(offset) || offset < 0 || offsetBytes * 8 !== offset * dtypes[tensor.dtype].bits) {
        throw new TesseraError(
          'invalid-option',
          `write: offset must be a non-negative integer that starts on a whole byte of ${tensor.dtype}, not ${offset}`,
        )
      }
      if (offsetBytes + data.byteLength > tensor.byteLength) {
        throw new TesseraError(
          'invalid-shape',
          `write: ${data.byteLength} bytes at offset ${offsetBytes} do not fit a tensor of ${tensor.byteLength} bytes`,
        )
      }
      backend.write(tensor.storage, bytesOf(data), offsetBytes)
    },

    hostView(tensor) {
      checkOpen()
      checkAlive(tensor, 'hostView')
      return backend.hostView?.(tensor.storage)
    },

    async read(tensor): Promise<TypedArray> {
      checkOpen()
      checkAlive(tensor, 'read')
      const bytes = await backend.read(tensor.storage, 0, tensor.byteLength)
      return viewBytes(bytes, tensor.dtype)
    },

    scope(fn) {
      const depth = scopes.length
      const created = new Set<Tensor>()
      const scope: Scope = {
        keep: <T extends Weight>(tensor: T): T => {
          for (const handle of handlesOf(tensor)) {
            // A tensor kept beyond this scope and the scopes opened inside it belongs to the enclosing scope, to the
            // running capture, or to the caller.
            const owner = scopes.slice(depth).find((inner) => inner.delete(handle))
            if (owner) (scopes[depth - 1] ?? capturing)?.add(handle)
          }
          return tensor
        },
      }
      scopes.push(created)
      try {
        const result = fn(scope)
        if (result instanceof Promise)
          throw new TesseraError(
            'invalid-option',
            'scope: the function must not be async; keep what crosses an await and dispose it explicitly',
          )
        return result
      } finally {
        scopes.pop()
        for (const tensor of created) tensor.dispose()
      }
    },

    adopt(tensor) {
      const owner = scopes.at(-1) ?? capturing
      owner?.add(tensor)
    },

    capture<T>(fn: () => T): Plan<T> {
      checkOpen()
      if (capturing)
        throw new TesseraError('invalid-option', 'capture: a capture is already running; captures do not nest')
      const owned = new Set<Tensor>()
      capturing = owned
      const outer = scopes.splice(0)
      backend.beginCapture()
      let result: T
      let plan: BackendPlan
      try {
        try {
          result = fn()
        } catch (error) {
          // Ending the capture may fail too, for want of memory. The caller needs the error that stopped the capture.
          try {
            backend.endCapture().dispose()
          } catch {}
          throw error
        }
        plan = backend.endCapture()
      } catch (error) {
        for (const tensor of owned) tensor.dispose()
        throw error
      } finally {
        capturing = undefined
        scopes.push(...outer)
      }
      return createPlan(backend.name, result, plan, owned, () => {
        checkOpen()
        if (capturing)
          throw new TesseraError('invalid-option', 'replay: a capture is running; a plan cannot be recorded in another')
      })
    },

    kernelsUsed: () => [...used].sort(),

    memory: () => ({ allocatedBytes, peakBytes, liveTensors }),
    synchronize: () => backend.synchronize(),

    async dispose() {
      if (disposed) return
      disposed = true
      resolved.clear()
      await backend.dispose()
    },
  }
  return device
}

function handlesOf(tensor: Weight): readonly Tensor[] {
  return tensor.kind === 'dense' ? [tensor] : Object.values(tensor.parts)
}
