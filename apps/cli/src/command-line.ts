import yargs from 'yargs'
import { bench } from './command/bench.ts'
import { chat } from './command/chat.ts'
import { convert } from './command/convert.ts'
import { convertHeads } from './command/convert-heads.ts'
import { embed } from './command/embed.ts'
import { evaluate } from './command/eval.ts'
import { inspect } from './command/inspect.ts'
import { logits } from './command/logits.ts'
import { optimize } from './command/optimize.ts'
import { run } from './command/run.ts'
import { samplingArguments } from './command/sampling.ts'
import { tokenize } from './command/tokenize.ts'
import { verify } from './command/verify.ts'
import { ownVersion } from './own-version.ts'
import { commonOptions, encoderOptions, integer, modelOptions, placeOptions } from './open/index.ts'
import type { Io, Output } from './terminal/index.ts'

/** What a command line asks for. */
export type CommandLine =
  | {
      readonly kind: 'command'
      readonly json: boolean
      readonly run: (output: Output, signal: AbortSignal, io: Io) => Promise<void>
    }
  /** Help or version: printed on stdout. */
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'usage-error'; readonly message: string }

type Command = Extract<CommandLine, { kind: 'command' }>

/** Reads a command line (without `node` and the script); nothing runs yet. */
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
    .command(
      'run <model>',
      'write one answer',
      (y) =>
        samplingArguments(modelOptions(y, 'faster'))
          .option('prompt', {
            alias: 'p',
            type: 'string',
            requiresArg: true,
            describe: 'the message; with --raw, the text to continue',
          })
          .option('ids', { type: 'string', requiresArg: true, describe: 'a prompt of token ids: 1,2,3' })
          .option('raw', {
            type: 'boolean',
            default: false,
            describe: 'no chat template: continue the prompt as it is',
          })
          .option('max-tokens', integer('max-tokens', 0, { default: 256, describe: 'most tokens to write' }))
          .option('ignore-eos', { type: 'boolean', default: false, describe: 'go on past end tokens' }),
      (args) => choose(args, (output, signal) => run(args, output, signal)),
    )
    .command(
      'chat <model>',
      'talk with the model',
      (y) =>
        samplingArguments(modelOptions(y, 'faster'))
          .option('system', { type: 'string', describe: 'the system message' })
          .option('max-tokens', integer('max-tokens', 1, { default: 1024, describe: 'most tokens of an answer' })),
      (args) => choose(args, (output, signal, io) => chat(args, output, signal, io)),
    )
    .command(
      'eval <model>',
      'measure perplexity on a text, and divergence from another model; of encoders, how vectors differ',
      (y) =>
        modelOptions(y, 'exact')
          .option('text', { type: 'string', demandOption: true, requiresArg: true, describe: 'a text file' })
          .option('against', {
            type: 'string',
            requiresArg: true,
            describe: 'the model that MODEL was made of: adds the divergence from it, token by token',
          })
          .option('window', integer('window', 3, { default: 512, describe: 'tokens a window' }))
          .option('windows', integer('windows', 1, { describe: 'how many windows (default: all)' }))
          .option('skip', integer('skip', 0, { default: 0, describe: 'windows to leave out at the start' }))
          .option('protocol', {
            choices: ['second-half', 'all'] as const,
            default: 'second-half' as const,
            describe: 'second-half scores positions 257…511 of 512 as llama.cpp does, all 1…511',
          })
          .option(
            'sentences',
            integer('sentences', 2, {
              default: 500,
              describe: 'encoders: how many sentences of the text, spread evenly over it',
            }),
          )
          .option(
            'chunk',
            integer('chunk', 1, {
              describe:
                'tokens that are read at once; 1 as in generation, where caches of few bits have rounded all but the last tokens (default: what is fast)',
            }),
          ),
      (args) => choose(args, (output, signal) => evaluate(args, output, signal)),
    )
    .command(
      'inspect <model>',
      'show what is in a model file and what it needs',
      (y) => placeOptions(y).option('tensors', { type: 'boolean', default: false, describe: 'list every tensor' }),
      (args) => choose(args, (output, signal) => inspect(args, output, signal)),
    )
    .command(
      'convert <model> <out>',
      'turn a Hugging Face folder into a GGUF file and back, without changing a weight',
      (y) =>
        commonOptions(y)
          .positional('out', {
            type: 'string',
            demandOption: true,
            describe: 'a file that ends in .gguf, or a new folder',
          })
          .option('decode', {
            type: 'boolean',
            default: false,
            describe: 'write quantized weights with their exact values as f32 where the folder could not hold them',
          }),
      (args) => choose(args, (output, signal) => convert(args, output, signal)),
    )
    .command(
      'convert-heads <model> <out>',
      'merge key-value heads, so that the cache shrinks',
      (y) =>
        modelOptions(y, 'exact')
          .positional('out', {
            type: 'string',
            demandOption: true,
            describe: 'what to write: a GGUF file for a GGUF file, a new folder for a folder',
          })
          .option(
            'kv-heads',
            integer('kv-heads', 1, { demandOption: true, describe: 'KV heads afterwards; 1 is multi-query attention' }),
          )
          .option('method', {
            choices: ['mean', 'first', 'activation', 'principal'] as const,
            default: 'principal' as const,
            describe:
              'average neighbours; keep the first of them; align heads by their activations and average them; or keep the principal components of their activations, which loses least',
          })
          .option('calibrate', {
            type: 'string',
            requiresArg: true,
            describe: 'a text file, which the methods activation and principal read',
          })
          .option('window', integer('window', 3, { default: 512, describe: 'calibration: tokens a window' }))
          .option('windows', integer('windows', 1, { default: 8, describe: 'calibration: how many windows' })),
      (args) => choose(args, (output, signal) => convertHeads(args, output, signal)),
    )
    .command(
      'tokenize <model>',
      'turn text into token ids',
      (y) =>
        commonOptions(y)
          .option('text', { type: 'string', requiresArg: true, describe: 'the text' })
          .option('jsonl', { type: 'string', requiresArg: true, describe: 'a file with one JSON string a line' })
          .option('special', {
            type: 'boolean',
            default: true,
            describe: '--no-special treats special tokens in the text as text',
          })
          .option('bos', { type: 'boolean', default: true, describe: '--no-bos adds no BOS token' }),
      (args) => choose(args, (output, signal) => tokenize(args, output, signal)),
    )
    .command(
      'embed <model>',
      'turn texts into vectors',
      (y) =>
        encoderOptions(y)
          .option('text', { type: 'string', requiresArg: true, describe: 'the text' })
          .option('jsonl', { type: 'string', requiresArg: true, describe: 'a file with one JSON string a line' }),
      (args) => choose(args, (output, signal) => embed(args, output, signal)),
    )
    .command(
      'logits <model>',
      'show the logits after a sequence',
      (y) =>
        modelOptions(y, 'exact')
          .option('ids', { type: 'string', demandOption: true, requiresArg: true, describe: 'token ids: 1,2,3' })
          .option('top', integer('top', 0, { default: 20, describe: 'how many of the largest' })),
      (args) => choose(args, (output, signal) => logits(args, output, signal)),
    )
    .command(
      'optimize <model> <output>',
      'make a model smaller, and write down what that cost',
      (y) =>
        placeOptions(y)
          .positional('output', {
            type: 'string',
            demandOption: true,
            describe:
              'what to write: a file that ends in .gguf, or a new folder; OUTPUT.receipt.json is written beside it',
          })
          .option('threads', integer('threads', 1, { describe: 'WebAssembly threads (default: all cores)' }))
          .option('recipe', {
            type: 'string',
            requiresArg: true,
            describe: 'a recipe: a JSON file, or the name of one that ships, such as gptq-q4_0',
          })
          .option('method', {
            choices: ['rtn', 'hqq', 'gptq'] as const,
            describe: 'how weights are rounded (default: rtn, which needs no text; with --budget gptq)',
          })
          .option('budget', {
            type: 'string',
            requiresArg: true,
            describe:
              'the size of the result, such as 60MB or 57MiB: a format is chosen for each weight so that least is lost',
          })
          .option('formats', {
            type: 'string',
            requiresArg: true,
            describe:
              'what a budget may choose from: q4_0,q5_0,… or int3:64,int4:64,… (default: all that the file can hold)',
          })
          .option('format', { type: 'string', requiresArg: true, describe: 'a ggml type such as q4_0' })
          .option('bits', integer('bits', 2, { describe: 'integers of so many bits, 2, 3, 4 or 8' }))
          .option('group', integer('group', 8, { describe: 'columns that share a scale (default: 64)' }))
          .option('symmetric', { type: 'boolean', default: false, describe: 'integers without zero points' })
          .option('layout', {
            choices: ['gptq', 'awq', 'compressed-tensors'] as const,
            describe: 'how a folder stores integers (default: one that holds them all)',
          })
          .option('rotate', {
            type: 'boolean',
            default: false,
            describe: 'turn the residual stream first: less is lost by gptq',
          })
          .option('seed', integer('seed', 0, { describe: 'of what is drawn at random (default: 0)' }))
          .option('calibrate', {
            type: 'string',
            requiresArg: true,
            describe: 'a text file that methods look at activations of',
          })
          .option('evaluate', {
            type: 'string',
            requiresArg: true,
            describe: 'a text file to measure the loss on: perplexity, divergence, speed',
          })
          .option('window', integer('window', 3, { default: 512, describe: 'tokens of a window of that text' }))
          .option('windows', integer('windows', 1, { describe: 'how many of its windows (default: all)' }))
          .option(
            'sentences',
            integer('sentences', 2, {
              default: 500,
              describe: 'encoders: how many sentences of that text, spread evenly over it',
            }),
          )
          .option('dry-run', { type: 'boolean', default: false, describe: 'only say what every tensor would become' }),
      (args) => choose(args, (output, signal) => optimize(args, output, signal)),
    )
    .command(
      'verify <receipt>',
      "apply a receipt's recipe again and compare",
      (y) =>
        y
          .positional('receipt', { type: 'string', demandOption: true, describe: 'the receipt that optimize wrote' })
          .option('device', {
            choices: ['auto', 'wasm', 'webgpu', 'reference'] as const,
            default: 'auto' as const,
            describe: 'where to compute',
          })
          .option('threads', integer('threads', 1, { describe: 'WebAssembly threads (default: all cores)' }))
          .option('json', {
            type: 'boolean',
            default: false,
            describe: 'print one JSON object on stdout, everything else on stderr',
          }),
      (args) => choose(args, (output, signal) => verify(args, output, signal)),
    )
    .command(
      'bench <model>',
      'measure speed',
      (y) =>
        modelOptions(y, 'faster')
          .option('prompt', integer('prompt', 1, { default: 512, describe: 'prompt tokens' }))
          .option('generate', integer('generate', 1, { default: 128, describe: 'generated tokens' }))
          .option('repeat', integer('repeat', 1, { default: 3, describe: 'rounds; the medians are shown' })),
      (args) => choose(args, (output, signal) => bench(args, output, signal)),
    )
    .example('$0 run model.gguf -p "Why is the sky blue?"', '')
    .example('$0 chat hf:owner/repository/model.gguf', '')
    .epilogue('Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted by Ctrl-C.')
    .demandCommand(1, 'name a command')
    .strictCommands()
    .strict()
    .help()
    .version(ownVersion())
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

/** A message of yargs as one line, in this program's words. */
function wordsOf(message: string): string {
  if (message.startsWith('Not enough non-option arguments')) return 'MODEL is missing'
  return message
    .replace(/\s+/g, ' ')
    .replace(/^Invalid values: Argument: (.*), Given: (.*), Choices: /, '--$1 must not be $2 but one of ')
}

/** yargs keeps a form for one and a form for many. */
function same(text: string): string {
  return { one: text, other: text } as unknown as string
}
