import type { Browser } from 'playwright-core'

export declare function launchChromium(): Promise<Browser | undefined>
export interface RunInChromiumOptions {
  /** Files that the page may fetch, by path: `/model.gguf`. */
  readonly files?: ReadonlyMap<string, Uint8Array>
  readonly timeoutMs?: number
  /** Headers of every answer, instead of the two of cross-origin isolation. */
  readonly headers?: Readonly<Record<string, string>>
  /** Export conditions of the bundle: the sources of the packages when left out, what `npm run build` made for an empty list. */
  readonly conditions?: readonly string[]
}
export declare function runInChromium<T>(
  browser: Browser,
  entry: string,
  argument: unknown,
  options?: RunInChromiumOptions,
): Promise<T>
