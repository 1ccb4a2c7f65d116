/** Results that may wait for the disk at once. */
const pendingWrites = 3

/**
 * Reads, processes and writes items in the order of `names`, overlapping disk and computation: while one is processed,
 * the next is read and the previous ones are written. `work` returns the function that writes.
 *
 * @throws the first error of reading, processing or writing, after all pending operations have ended
 */
export async function inPipeline<Input>(
  names: readonly string[],
  read: (name: string) => Promise<Input>,
  work: (name: string, input: Input) => Promise<() => Promise<void>>,
): Promise<void> {
  const writing: Promise<void>[] = []
  const begin = (name: string | undefined): Promise<Input> | undefined => {
    const reading = name === undefined ? undefined : read(name)
    // A failed read is thrown where it is awaited, which may be later.
    reading?.catch(() => {})
    return reading
  }
  let next = begin(names[0])
  try {
    for (const [index, name] of names.entries()) {
      const input = (await next) as Input
      next = begin(names[index + 1])
      const write = await work(name, input)
      if (writing.length === pendingWrites) await writing.shift()
      const written = write()
      written.catch(() => {})
      writing.push(written)
    }
    await Promise.all(writing)
  } finally {
    await Promise.allSettled([...writing, next])
  }
}
