import { didYouMean } from '@tessera-llm/tensor'

/** What a command line was parsed against. */
export interface UsageContext {
  readonly argv: readonly string[]
  /** The commands with their positional arguments: `convert <model> <out>`. */
  readonly shapes: readonly string[]
  /** Names of the options that the command has. */
  readonly options: readonly string[]
}

/** Rewrites a message of yargs in this program's wording: what is wrong, the nearest right one, and where help is. */
export function usageError(message: string, { argv, shapes, options }: UsageContext): string {
  const command = shapes.find((shape) => wordsOf(shape)[0] === argv[0])
  const help = `see tessera ${command === undefined ? '' : `${argv[0]} `}--help`
  const [, list] = /^Unknown (?:command|argument)s?: (.*)$/.exec(message) ?? []
  if (list === undefined) return `${reword(message, command)}; ${help}`
  const unknown = list.split(', ')
  const named = unknown.filter((name) => argv.some((word) => word.split('=')[0] === `--${name}`))
  if (named.length > 0) {
    const known = options.map((name) => `--${name}`)
    return sentences(
      `unknown: ${named.map((name) => `--${name}`).join(', ')}`,
      didYouMean(`--${named[0]}`, known),
      help,
    )
  }
  if (command !== undefined) return `unknown: ${unknown.join(', ')}; ${help}`
  const commands = shapes.flatMap((shape) => wordsOf(shape).slice(0, 1))
  return sentences(`there is no command ${unknown[0]}`, didYouMean(unknown[0] as string, commands), help)
}

function sentences(what: string, nearest: string, help: string): string {
  return nearest.endsWith('?') ? `${what}${nearest} See${help.slice('see'.length)}` : `${what}; ${help}`
}

function reword(message: string, command: string | undefined): string {
  const [, got] = /^Not enough non-option arguments: got (\d+)/.exec(message) ?? []
  if (got !== undefined) return `${(wordsOf(command ?? '')[1 + Number(got)] ?? 'model').toUpperCase()} is missing`
  return message
    .replace(/\s+/g, ' ')
    .replace(
      /^Missing required arguments?: (.*)$/,
      (_, names: string) => `${names.replace(/[\w-]+/g, '--$&')} is missing`,
    )
    .replace(
      /^Not enough arguments following: (.*)$/,
      (_, name: string) => `${'-'.repeat(name.length > 1 ? 2 : 1)}${name} needs a value`,
    )
    .replace(/^Invalid values: Argument: (.*), Given: (.*), Choices: /, '--$1 must not be $2 but one of ')
}

/** `convert <model> <out>` as its words. */
function wordsOf(shape: string): string[] {
  return shape.split(' ').map((word) => word.replace(/[<>]/g, ''))
}
