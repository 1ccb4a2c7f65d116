/**
 * Limits on what a GGUF header may announce. Every announced count is also bounded by the actual file size. Together,
 * the default limits keep a header's memory below about 1 GB whatever a file claims: an array of arrays takes some 100
 * bytes per element, text up to twice its bytes.
 */
export interface GgufLimits {
  /**
   * Bytes of metadata and tensor list together. The largest known headers (262 144 tokens with merges) take about 15
   * MB.
   */
  readonly headerBytes: number
  readonly metadataEntries: number
  readonly tensors: number
  /** Bytes of a key; the specification's own limit. */
  readonly keyBytes: number
  readonly tensorNameBytes: number
  /** Bytes of one string value; chat templates are the longest. */
  readonly stringBytes: number
  /** Elements of all arrays together; 262 144 tokens with scores, types and merges have 1.3 million. */
  readonly arrayElements: number
  /** Largest nesting depth of arrays. */
  readonly arrayDepth: number
  /** Axes of a tensor; ggml has four. */
  readonly axes: number
}

/** Default limits of `readGguf`. */
export const defaultGgufLimits: GgufLimits = {
  headerBytes: 128 * 1024 * 1024,
  metadataEntries: 65_536,
  tensors: 262_144,
  keyBytes: 65_535,
  tensorNameBytes: 1024,
  stringBytes: 16 * 1024 * 1024,
  arrayElements: 4 * 1024 * 1024,
  arrayDepth: 4,
  axes: 4,
}
