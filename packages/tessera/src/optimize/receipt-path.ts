/** Where the receipt of an output lies. */
export function receiptPath(output: string): string {
  return `${output.replace(/[/\\]+$/, '')}.receipt.json`
}
