import { parseReceipt } from '@tessera-llm/optimize'
import { readText } from '@tessera-llm/optimize/node'
import { verifyReceipt } from '@tessera-llm/tessera/node'
import type { Argv } from 'yargs'
import { deviceOptions } from '../open/device.ts'
import { integer, type ModelArguments } from '../open/index.ts'
import { followPhases, type Output } from '../terminal/index.ts'

export interface VerifyArguments extends Pick<ModelArguments, 'device' | 'threads'> {
  readonly receipt: string
}

export function verifyArguments(yargs: Argv) {
  return yargs
    .positional('receipt', { type: 'string', demandOption: true, describe: 'the receipt that optimize wrote' })
    .option('device', {
      choices: ['auto', 'wasm', 'webgpu', 'reference'] as const,
      default: 'auto' as const,
      describe: 'where to compute; auto is wasm',
    })
    .option('threads', integer('threads', 1, { describe: 'WebAssembly threads (default: all cores)' }))
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'print one JSON object on stdout, everything else on stderr',
    })
}

/**
 * `verify RECEIPT`: applies the recipe again to the same input and compares the bytes. If they differ (another build or
 * kind of device), compares the divergence within two standard errors. Fails if neither agrees.
 */
export async function verify(args: VerifyArguments, output: Output, signal: AbortSignal): Promise<void> {
  const receipt = parseReceipt(await readText('verify', args.receipt))
  const phases = followPhases(output)
  const { told, ...verified } = await verifyReceipt(receipt, {
    ...(await deviceOptions(args)),
    ...phases.listeners,
    signal,
  }).finally(phases.end)
  output.text(`verified${verified.difference === undefined ? ':' : ''} ${told}\n`)
  output.result({ verified: true, ...verified })
}
