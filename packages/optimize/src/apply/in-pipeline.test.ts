import { expect, test } from 'vitest'
import { inPipeline } from './in-pipeline.ts'

interface Later {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: Error): void
}

function later(): Later {
  const made: Partial<Later> = {}
  const promise = new Promise<void>((resolve, reject) => Object.assign(made, { resolve, reject }))
  return { ...(made as Later), promise }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
const names = ['a', 'b', 'c', 'd', 'e', 'f']

test('the next is read while one is worked on, and no more than three wait to be written', async () => {
  const events: string[] = []
  const writes = new Map(names.map((name) => [name, later()]))
  const done = inPipeline(
    names,
    async (name) => {
      events.push(`read ${name}`)
      return name.toUpperCase()
    },
    async (name, input) => {
      events.push(`work ${input}`)
      return () => (writes.get(name) as Later).promise
    },
  )
  await settled()
  expect(events).toEqual(['read a', 'read b', 'work A', 'read c', 'work B', 'read d', 'work C', 'read e', 'work D'])
  writes.get('a')?.resolve()
  await settled()
  expect(events.slice(9)).toEqual(['read f', 'work E'])
  for (const write of writes.values()) write.resolve()
  await done
  expect(events.slice(11)).toEqual(['work F'])
})

test.each(['read', 'work', 'write'])(
  'what fails to %s is thrown, after all that is under way has ended',
  async (stage) => {
    const ended: string[] = []
    const fail = async (name: string, at: string): Promise<void> => {
      if (name === 'c' && at === stage) throw new Error(`${at} ${name}`)
    }
    const first = later()
    const done = inPipeline(
      names,
      (name) => fail(name, 'read'),
      async (name) => {
        await fail(name, 'work')
        return async () => {
          if (name === 'a') await first.promise
          await fail(name, 'write')
          ended.push(name)
        }
      },
    )
    let error: unknown
    const caught = done.catch((cause: unknown) => {
      error = cause
    })
    await settled()
    expect([error, ended.includes('a')]).toEqual([undefined, false])
    first.resolve()
    await caught
    expect((error as Error).message).toBe(`${stage} c`)
    expect(ended).toContain('a')
    expect(ended).not.toContain('c')
  },
)
