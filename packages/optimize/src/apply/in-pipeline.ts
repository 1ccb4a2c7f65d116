/** Results that wait for the disk at a time. */
const pendingWrites = 3

/**
 * Reads, works on and writes one after the other, in the order of `names`, where work does not wait for the disk: the next is read and those before
 * are written meanwhile. `work` gives the function that writes.
 *
 * @throws what reading, working or writing throws first; nothing is under way then
 */
export async function inPipeline<Input>(
  names: readonly string[],
  read: (name: string) => Promise<Input>,
  work: (name: string, input: Input) => Promise<() => Promise<void>>,
): Promise<void> {
  const writing: Promise<void>[] = []
  const begin = (name: string | undefined): Promise<Input> | undefined => {
    const reading = name === undefined ? undefined : read(name)
    // What fails is thrown where it is waited for, which may be later.
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
