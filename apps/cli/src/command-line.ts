import yargs, { type ArgumentsCamelCase, type Argv } from 'yargs'
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
import { usageError } from './usage-error.ts'

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
  const shapes: string[] = []
  const parser = yargs()
    .scriptName('tessera')
    .usage('$0 COMMAND MODEL [options]')
    .locale('en')
    .parserConfiguration({ 'duplicate-arguments-array': false, 'dot-notation': false })
  const add = <A extends { json: boolean }>(
    shape: string,
    describe: string,
    options: (yargs: Argv) => Argv<A>,
    start: (args: ArgumentsCamelCase<A>, ...rest: Parameters<Command['run']>) => Promise<void>,
  ): void => {
    shapes.push(shape)
    parser.command(shape, describe, options, (args) => {
      command = { kind: 'command', json: args.json, run: (...rest) => start(args, ...rest) }
    })
  }
  add('run <model>', 'write one answer', runArguments, run)
  add('chat <model>', 'talk with the model', chatArguments, chat)
  add(
    'eval <model>',
    'measure perplexity on a text, and divergence from another model; of encoders, how vectors differ',
    evalArguments,
    evaluate,
  )
  add('inspect <model>', 'show what is in a model file and what it needs', inspectArguments, inspect)
  add(
    'convert <model> <out>',
    'turn a Hugging Face folder into a GGUF file and back, without changing a weight',
    convertArguments,
    convert,
  )
  add(
    'convert-heads <model> <out>',
    'merge key-value heads, so that the cache shrinks',
    convertHeadsArguments,
    convertHeads,
  )
  add('tokenize <model>', 'turn text into token ids', tokenizeArguments, tokenize)
  add('embed <model>', 'turn texts into vectors', embedArguments, embed)
  add('logits <model>', 'show the logits after a sequence', logitsArguments, logits)
  add('optimize <model> <output>', 'make a model smaller, and write down what that cost', optimizeArguments, optimize)
  add('verify <receipt>', "apply a receipt's recipe again and compare", verifyArguments, verify)
  add('bench <model>', 'measure speed', benchArguments, bench)
  parser
    .example('$0 run model.gguf -p "Why is the sky blue?"', '')
    .example('$0 chat hf:owner/repository/model.gguf', '')
    .epilogue('Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted by Ctrl-C.')
    .demandCommand(1, 'name a command')
    .strictCommands()
    .strict()
    .help()
    .version(ownVersion)
    .exitProcess(false)
    .fail((message, error, usage) => {
      // The types give a parser here, but it is the parser's usage, which knows the options of the command.
      const { getDescriptions } = usage as unknown as { getDescriptions(): Record<string, unknown> }
      failure ??= usageError(message || error.message, { argv, shapes, options: Object.keys(getDescriptions()) })
    })
    .parse([...argv], {}, (_error: unknown, _args: unknown, output: string) => {
      printed = output
    })
  if (failure !== undefined) return { kind: 'usage-error', message: failure }
  return command ?? { kind: 'print', text: printed }
}
