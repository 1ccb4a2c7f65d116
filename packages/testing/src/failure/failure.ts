import { isTesseraError } from '@tessera-llm/tensor'

/** `code: message` of the `TesseraError` that a call throws, the text of another error, or `none`. */
export async function failureOf(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    return isTesseraError(error) ? `${error.code}: ${error.message}` : String(error)
  }
  return 'none'
}
