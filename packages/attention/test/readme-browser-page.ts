/** Runs the README's example in a browser, and gives what the page then says. */
export async function run(): Promise<string> {
  await import('./readme-browser-example.ts')
  return document.body.textContent ?? ''
}
