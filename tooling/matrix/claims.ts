/** One line of results.json, written by run.mjs. */
export interface RunResult {
  readonly runtime: string
  readonly version: string
  readonly run: string
  readonly ok: boolean
  /** Reason for a failure. */
  readonly reason?: string
  readonly device?: string
  readonly tokens?: readonly number[]
  readonly threads?: number
  readonly isolated?: boolean
  readonly shaderF16?: boolean
}

export interface NamedTest {
  /** From the root of the repository. */
  readonly file: string
  /** Title of the test, or its beginning. */
  readonly name: string
}

export interface Cell {
  /** `tested`, `no: REASON`, `untested` or `not applicable`: the text of the table. */
  readonly claim: string
  /** `RUNTIME/RUN` of results.json. */
  readonly runs?: readonly string[]
  readonly tests?: readonly NamedTest[]
  /** Properties that every run of the cell must report. */
  readonly expect?: Readonly<Partial<RunResult>>
}

export interface Row {
  readonly name: string
  /** Prefix of the version of its runs. */
  readonly version?: string
  readonly wasm: Cell
  readonly webgpu: Cell
}

export interface Evidence {
  readonly results: readonly RunResult[]
  /** The tokens that PyTorch generates. */
  readonly golden: readonly number[]
  /** The text of a file of the repository, undefined where there is none. */
  readonly read: (path: string) => string | undefined
}

/** The table as README.md shows it. */
export function renderMatrix(rows: readonly Row[]): string {
  const lines = rows.map(({ name, wasm, webgpu }) => `| ${name} | ${wasm.claim} | ${webgpu.claim} |`)
  return ['| | WebAssembly | WebGPU |', '|---|---|---|', ...lines].join('\n')
}

/** Claims of the table that the evidence does not prove, one sentence each; empty if all hold. */
export function unproven(rows: readonly Row[], evidence: Evidence): readonly string[] {
  return rows.flatMap((row) =>
    (['wasm', 'webgpu'] as const).flatMap((backend) =>
      unprovenCell(row, backend, evidence).map((why) => `${row.name}, ${backend}, "${row[backend].claim}": ${why}`),
    ),
  )
}

function unprovenCell(row: Row, backend: 'wasm' | 'webgpu', evidence: Evidence): readonly string[] {
  const { claim, runs = [], tests = [], expect = {} } = row[backend]
  const reason = /^no: (.+)$/.exec(claim)?.[1]
  const proofs = runs.length + tests.length
  if (claim === 'untested' || claim === 'not applicable')
    return proofs === 0 ? [] : ['there is a run or a test, so it is not so']
  if (claim !== 'tested' && reason === undefined)
    return ['a claim is tested, no: with a reason, untested or not applicable']
  if (proofs === 0) return ['neither a run nor a test proves it']
  return [
    ...runs.flatMap((id) => unprovenRun(id, backend, reason, { ...row, expect }, evidence)),
    ...tests
      .filter((named) => !hasTest(evidence.read(named.file), named.name))
      .map(({ file, name }) => `${file} has no test "${name}"`),
  ]
}

function unprovenRun(
  id: string,
  backend: string,
  reason: string | undefined,
  { version, expect }: { readonly version?: string; readonly expect: Partial<RunResult> },
  { results, golden }: Evidence,
): readonly string[] {
  const result = results.find(({ runtime, run }) => `${runtime}/${run}` === id)
  if (!result) return [`results.json has no run ${id}`]
  if (!result.run.split('-').includes(backend)) return [`the run ${id} is not one of ${backend}`]
  if (version !== undefined && !result.version.startsWith(`${version}.`))
    return [`the run ${id} was on version ${result.version}`]
  if (reason !== undefined)
    return !result.ok && result.reason?.includes(reason) ? [] : [`the run ${id} does not fail for this reason`]
  if (!result.ok) return [`the run ${id} failed: ${result.reason}`]
  if (result.tokens?.length !== 16 || result.tokens.some((token, i) => token !== golden[i]))
    return [`the run ${id} gave other tokens than PyTorch`]
  const threads = /^wasm-(\d+)$/.exec(result.run)?.[1]
  return Object.entries(threads === undefined ? expect : { threads: Number(threads), ...expect })
    .filter(([key, value]) => result[key as keyof RunResult] !== value)
    .map(([key, value]) => `the run ${id} says ${key} ${String(result[key as keyof RunResult])}, not ${String(value)}`)
}

/**
 * Whether an active test with this title, or one that begins so, is in the text. The text is in the formatter's layout:
 * the table of `each` ends on its line, or on the next one that is not indented further.
 */
function hasTest(text: string | undefined, name: string): boolean {
  const quoted = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return (
    text !== undefined &&
    new RegExp(
      `^( *)(?:it|test)(?:\\.(?:for|each)(?:<.*>)?\\((?:.*|.*\\n(?:(?:\\1 .*)?\\n)*\\1\\S*)\\))?\\(\\s*(['"\`])${quoted}`,
      'm',
    ).test(text)
  )
}
