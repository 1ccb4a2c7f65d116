/** Path of an output's receipt. */
export function receiptPath(output: string): string {
  return `${output.replace(/[/\\]+$/, '')}.receipt.json`
}
