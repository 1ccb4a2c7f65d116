export interface LlamaNames {
  readonly embedding: string
  readonly finalNorm: string
  readonly head: string
  /** Divisors of the rotary frequencies; only some GGUF files have them. */
  readonly ropeFactors: string
  layer(index: number): LlamaLayerNames
}

/** Norms are whole tensor names, projections lack `.weight` and `.bias`. */
export interface LlamaLayerNames {
  readonly attentionNorm: string
  readonly query: string
  readonly key: string
  readonly value: string
  readonly output: string
  readonly mlpNorm: string
  readonly gate: string
  readonly up: string
  readonly down: string
}

/** Tensor names of the llama family in GGUF files and in Hugging Face checkpoints. */
export function llamaNames(container: 'gguf' | 'hugging-face'): LlamaNames {
  if (container === 'gguf') {
    return {
      embedding: 'token_embd.weight',
      finalNorm: 'output_norm.weight',
      head: 'output.weight',
      ropeFactors: 'rope_freqs.weight',
      layer: (index) => ({
        attentionNorm: `blk.${index}.attn_norm.weight`,
        query: `blk.${index}.attn_q`,
        key: `blk.${index}.attn_k`,
        value: `blk.${index}.attn_v`,
        output: `blk.${index}.attn_output`,
        mlpNorm: `blk.${index}.ffn_norm.weight`,
        gate: `blk.${index}.ffn_gate`,
        up: `blk.${index}.ffn_up`,
        down: `blk.${index}.ffn_down`,
      }),
    }
  }
  return {
    embedding: 'model.embed_tokens.weight',
    finalNorm: 'model.norm.weight',
    head: 'lm_head.weight',
    ropeFactors: '',
    layer: (index) => ({
      attentionNorm: `model.layers.${index}.input_layernorm.weight`,
      query: `model.layers.${index}.self_attn.q_proj`,
      key: `model.layers.${index}.self_attn.k_proj`,
      value: `model.layers.${index}.self_attn.v_proj`,
      output: `model.layers.${index}.self_attn.o_proj`,
      mlpNorm: `model.layers.${index}.post_attention_layernorm.weight`,
      gate: `model.layers.${index}.mlp.gate_proj`,
      up: `model.layers.${index}.mlp.up_proj`,
      down: `model.layers.${index}.mlp.down_proj`,
    }),
  }
}
