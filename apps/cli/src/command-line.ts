import yargs from 'yargs'
import { bench, benchArguments } from './command/bench.ts'
import { chat, chatArguments } from './command/chat.ts'
import { convert, convertArguments } from './command/convert.ts'
import { convertHeads, convertHeadsArguments } from './command/convert-heads.ts'
import { embed, embedArguments } from './command/embed.ts'
import { evalArguments, evaluate } from './command/eval.ts'
import { inspect, inspectArguments } from './command/inspect.ts'
import { logits, logitsArguments } from './command/logits.ts'
import { optimize, optimizeArguments } from './command/optimize.ts'
import { run, runArguments } from './command/run.ts'
import { tokenize, tokenizeArguments } from './command/tokenize.ts'
import { verify, verifyArguments } from './command/verify.ts'
import { ownVersion } from './own-version.ts'
import type { Io, Output } from './terminal/index.ts'

/** A parsed command line. */
export type CommandLine =
  | {
      readonly kind: 'command'
      readonly json: boolean
      readonly run: (output: Output, signal: AbortSignal, io: Io) => Promise<void>
    }
  /** Help or version, for stdout. */
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'usage-error'; readonly message: string }

type Command = Extract<CommandLine, { kind: 'command' }>

/** Parses a command line (without `node` and the script) and runs nothing. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  let command: Command | undefined
  let failure: string | undefined
  let printed = ''
  const choose = ({ json }: { readonly json: boolean }, start: Command['run']): void => {
    command = { kind: 'command', json, run: start }
  }
  yargs()
    .scriptName('tessera')
    .usage('$0 COMMAND MODEL [options]')
    .locale('en')
    .updateStrings({ 'Unknown argument: %s': same('unknown: %s'), 'Unknown command: %s': same('unknown: %s') })
    .parserConfiguration({ 'duplicate-arguments-array': false, 'dot-notation': false })
    .command('run <model>', 'write one answer', runArguments, (args) =>
      choose(args, (output, signal) => run(args, output, signal)),
    )
    .command('chat <model>', 'talk with the model', chatArguments, (args) =>
      choose(args, (output, signal, io) => chat(args, output, signal, io)),
    )
    .command(
      'eval <model>',
      'measure perplexity on a text, and divergence from another model; of encoders, how vectors differ',
      evalArguments,
      (args) => choose(args, (output, signal) => evaluate(args, output, signal)),
    )
    .command('inspect <model>', 'show what is in a model file and what it needs', inspectArguments, (args) =>
      choose(args, (output, signal) => inspect(args, output, signal)),
    )
    .command(
      'convert <model> <out>',
      'turn a Hugging Face folder into a GGUF file and back, without changing a weight',
      convertArguments,
      (args) => choose(args, (output, signal) => convert(args, output, signal)),
    )
    .command(
      'convert-heads <model> <out>',
      'merge key-value heads, so that the cache shrinks',
      convertHeadsArguments,
      (args) => choose(args, (output, signal) => convertHeads(args, output, signal)),
    )
    .command('tokenize <model>', 'turn text into token ids', tokenizeArguments, (args) =>
      choose(args, (output, signal) => tokenize(args, output, signal)),
    )
    .command('embed <model>', 'turn texts into vectors', embedArguments, (args) =>
      choose(args, (output, signal) => embed(args, output, signal)),
    )
    .command('logits <model>', 'show the logits after a sequence', logitsArguments, (args) =>
      choose(args, (output, signal) => logits(args, output, signal)),
    )
    .command(
      'optimize <model> <output>',
      'make a model smaller, and write down what that cost',
      optimizeArguments,
      (args) => choose(args, (output, signal) => optimize(args, output, signal)),
    )
    .command('verify <receipt>', "apply a receipt's recipe again and compare", verifyArguments, (args) =>
      choose(args, (output, signal) => verify(args, output, signal)),
    )
    .command('bench <model>', 'measure speed', benchArguments, (args) =>
      choose(args, (output, signal) => bench(args, output, signal)),
    )
    .example('$0 run model.gguf -p "Why is the sky blue?"', '')
    .example('$0 chat hf:owner/repository/model.gguf', '')
    .epilogue('Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted by Ctrl-C.')
    .demandCommand(1, 'name a command')
    .strictCommands()
    .strict()
    .help()
    .version(ownVersion)
    .exitProcess(false)
    .fail((message, error) => {
      failure ??= wordsOf(message || error.message)
    })
    .parse([...argv], {}, (_error: unknown, _args: unknown, output: string) => {
      printed = output
    })
  if (failure !== undefined) return { kind: 'usage-error', message: failure }
  return command ?? { kind: 'print', text: printed }
}

/** Rewrites a message of yargs as one line in this program's wording. */
function wordsOf(message: string): string {
  if (message.startsWith('Not enough non-option arguments')) return 'MODEL is missing'
  return message
    .replace(/\s+/g, ' ')
    .replace(/^Invalid values: Argument: (.*), Given: (.*), Choices: /, '--$1 must not be $2 but one of ')
}

/** The same text for singular and plural: yargs expects both forms. */
function same(text: string): string {
  return { one: text, other: text } as unknown as string
}
