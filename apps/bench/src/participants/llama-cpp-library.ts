import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { TesseraError } from '@tessera-llm/tensor'
import type { ModelEngine } from '../participant/model/index.ts'
import { UnavailableError } from '../participant/index.ts'
import { peerPath, requirePeer } from './peer.ts'

type Native = (...values: readonly unknown[]) => unknown
interface Koffi {
  load(path: string): { func(prototype: string): Native }
  struct(name: string, fields: Readonly<Record<string, unknown>>): unknown
  array(type: string, length: number): unknown
  proto(definition: string): unknown
  pointer(type: unknown): unknown
  register(callback: () => void, type: unknown): bigint
  alloc(type: string, length: number): unknown
  encode(at: unknown, type: unknown, value: unknown): void
  call(pointer: unknown, type: unknown, ...values: readonly unknown[]): unknown
}

/** `ggml_type` of keys and values; flash attention, which the library then chooses, accepts all of them. */
const cacheTypes = { f16: 1, q4_0: 2, q8_0: 8 } as const

/** Tokens that one call computes at once. */
const batchTokens = 512

/**
 * Calls the libraries in node-llama-cpp through their C interface (llama.h and ggml-cpu.h of llama.cpp v0.5.0). The
 * structures below repeat its layout field by field and fit the pinned version only.
 */
export function openLlamaCpp(
  path: string,
  threads: number,
  contextLength: number,
  cache: keyof typeof cacheTypes = 'f16',
): ModelEngine {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new UnavailableError(
      `its thread pool is driven on Linux x64 only, not on ${process.platform} ${process.arch}`,
    )
  const koffi = requirePeer<Koffi>('koffi')
  const folder = fileURLToPath(peerPath('@node-llama-cpp/linux-x64', 'bins/linux-x64/'))
  const library = (pattern: RegExp) => {
    const name = readdirSync(folder).find((file) => pattern.test(file))
    if (name === undefined) throw new TesseraError('not-found', `llama.cpp: nothing in ${folder} matches ${pattern}`)
    return koffi.load(`${folder}${name}`)
  }
  declareStructures(koffi)
  const ggml = library(/^libggml\.v.*\.so$/)
  const base = library(/^libggml-base\.so$/)
  const llama = library(/^libllama\.v.*\.so$/)
  const must = (pointer: unknown, what: string): unknown => {
    if (pointer === null) throw new TesseraError('invalid-value', `llama.cpp: ${what} failed`)
    return pointer
  }

  // Thousands of lines through a pipe would count as load time.
  llama.func('void llama_log_set(void *callback, void *user)')(
    koffi.register(() => {}, koffi.pointer(koffi.proto('void log_callback(int level, const char *text, void *user)'))),
    null,
  )
  ggml.func('void ggml_backend_load_all_from_path(const char *path)')(folder)
  const parameters = llama.func('llama_model_params llama_model_default_params()')() as object
  const model = must(
    llama.func('void *llama_model_load_from_file(const char *path, llama_model_params params)')(path, parameters),
    `loading ${path}`,
  )
  const vocabulary = llama.func('void *llama_model_get_vocab(void *model)')(model)
  const defaults = llama.func('llama_context_params llama_context_default_params()')() as object
  const settings = {
    ...defaults,
    n_ctx: contextLength,
    n_batch: batchTokens,
    n_ubatch: batchTokens,
    n_threads: threads,
    n_threads_batch: threads,
    type_k: cacheTypes[cache],
    type_v: cacheTypes[cache],
  }
  const context = must(
    llama.func('void *llama_init_from_model(void *model, llama_context_params params)')(model, settings),
    'making a context',
  )

  // The function is in the library for this processor, which only llama.cpp knows.
  const registry = must(ggml.func('void *ggml_backend_reg_by_name(const char *name)')('CPU'), 'finding the CPU backend')
  const create = must(
    base.func('void *ggml_backend_reg_get_proc_address(void *reg, const char *name)')(registry, 'ggml_threadpool_new'),
    'finding ggml_threadpool_new',
  )
  const poolParameters = base.func('ggml_threadpool_params ggml_threadpool_params_default(int threads)')(threads)
  const pool = must(
    koffi.call(create, koffi.proto('void *ggml_threadpool_new(ggml_threadpool_params *params)'), poolParameters),
    'making a thread pool',
  )
  llama.func('void llama_attach_threadpool(void *context, void *pool, void *pool_batch)')(context, pool, pool)

  const memory = llama.func('void *llama_get_memory(void *context)')(context)
  const removeTokens = llama.func('bool llama_memory_seq_rm(void *memory, int32 sequence, int32 from, int32 to)')
  const batchOf = llama.func('llama_batch llama_batch_get_one(void *tokens, int32 count)')
  const decode = llama.func('int32 llama_decode(void *context, llama_batch batch)')
  const greedy = llama.func('void *llama_sampler_init_greedy()')()
  const sample = llama.func('int32 llama_sampler_sample(void *sampler, void *context, int32 index)')
  const tokenize = llama.func(
    'int32 llama_tokenize(void *vocabulary, const char *text, int32 length, _Out_ int32 *tokens, int32 capacity, bool special, bool parse)',
  )
  const tokens = koffi.alloc('int32', batchTokens)

  const compute = (ids: readonly number[]): void => {
    koffi.encode(tokens, koffi.array('int32', ids.length), ids)
    const status = decode(context, batchOf(tokens, ids.length)) as number
    if (status !== 0)
      throw new TesseraError('invalid-value', `llama.cpp: llama_decode returned ${status} for ${ids.length} tokens`)
  }
  const next = (): number => sample(greedy, context, -1) as number
  const truncate = (length: number): void => {
    if (!removeTokens(memory, 0, length, -1))
      throw new TesseraError('invalid-value', `llama.cpp: could not drop the tokens from ${length} on`)
  }

  return {
    async tokenize(text) {
      const bytes = new TextEncoder().encode(text).length
      const out = new Int32Array(bytes)
      const count = tokenize(vocabulary, text, bytes, out, out.length, false, false) as number
      return [...out.subarray(0, count)]
    },
    async prefill(ids) {
      truncate(0)
      for (let at = 0; at < ids.length; at += batchTokens) compute(ids.slice(at, at + batchTokens))
      return next()
    },
    async generate(first, count) {
      const out: number[] = []
      for (let token = first; out.length < count; out.push(token)) {
        compute([token])
        token = next()
      }
      return out
    },
    truncate: async (length) => truncate(length),
    async close() {},
  }
}

function declareStructures(koffi: Koffi): void {
  koffi.struct('llama_model_params', {
    devices: 'void *',
    tensor_buft_overrides: 'void *',
    n_gpu_layers: 'int32',
    split_mode: 'int32',
    load_mode: 'int32',
    lazy_mode: 'int32',
    main_gpu: 'int32',
    tensor_split: 'void *',
    progress_callback: 'void *',
    progress_callback_user_data: 'void *',
    kv_overrides: 'void *',
    vocab_only: 'bool',
    check_tensors: 'bool',
    use_extra_bufts: 'bool',
    no_host: 'bool',
    no_alloc: 'bool',
    load_mtp: 'bool',
  })
  koffi.struct('llama_context_params', {
    n_ctx: 'uint32',
    n_batch: 'uint32',
    n_ubatch: 'uint32',
    n_seq_max: 'uint32',
    n_rs_seq: 'uint32',
    n_outputs_max: 'uint32',
    n_outputs_max_per_seq: 'uint32',
    n_threads: 'int32',
    n_threads_batch: 'int32',
    ctx_type: 'int32',
    rope_scaling_type: 'int32',
    pooling_type: 'int32',
    attention_type: 'int32',
    flash_attn_type: 'int32',
    rope_freq_base: 'float',
    rope_freq_scale: 'float',
    yarn_ext_factor: 'float',
    yarn_attn_factor: 'float',
    yarn_beta_fast: 'float',
    yarn_beta_slow: 'float',
    yarn_orig_ctx: 'uint32',
    defrag_thold: 'float',
    cb_eval: 'void *',
    cb_eval_user_data: 'void *',
    type_k: 'int32',
    type_v: 'int32',
    abort_callback: 'void *',
    abort_callback_data: 'void *',
    embeddings: 'bool',
    offload_kqv: 'bool',
    no_perf: 'bool',
    op_offload: 'bool',
    swa_full: 'bool',
    kv_unified: 'bool',
    samplers: 'void *',
    n_samplers: 'size_t',
    ctx_other: 'void *',
  })
  koffi.struct('llama_batch', {
    n_tokens: 'int32',
    token: 'void *',
    embd: 'void *',
    pos: 'void *',
    n_seq_id: 'void *',
    seq_id: 'void *',
    logits: 'void *',
  })
  koffi.struct('ggml_threadpool_params', {
    cpumask: koffi.array('bool', 512),
    n_threads: 'int',
    prio: 'int',
    poll: 'uint32',
    strict_cpu: 'bool',
    paused: 'bool',
  })
}
