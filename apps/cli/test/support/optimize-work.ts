import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tessera } from './capture.ts'
import { inFolder } from './models.ts'

/** A few dozen tokens; repeated, enough for calibration and evaluation. */
export const text =
  'The President of the United States is the head of the Government, and of the people. Congress shall make no law respecting it. '

export interface Work {
  readonly folder: string
  readonly out: string
  /** Runs `optimize` on the model, measured on a text. */
  optimize(model: string, out: string, ...argv: string[]): ReturnType<typeof tessera>
  write(recipe: object): Promise<string>
}

/** Calls `use` with a temporary folder of texts for calibration and evaluation, which is removed afterwards. */
export function inWork<T>(use: (work: Work) => Promise<T>): Promise<T> {
  return inFolder(async (folder) => {
    const [calibrate, evaluate, recipe] = [
      join(folder, 'calibrate.txt'),
      join(folder, 'evaluate.txt'),
      join(folder, 'recipe.json'),
    ]
    await writeFile(calibrate, text.repeat(8))
    await writeFile(evaluate, text.repeat(3))
    return use({
      folder,
      out: join(folder, 'out'),
      optimize: (model, out, ...argv) =>
        tessera([
          'optimize',
          model,
          out,
          '--calibrate',
          calibrate,
          '--evaluate',
          evaluate,
          '--window',
          '32',
          '--windows',
          '2',
          ...argv,
        ]),
      async write(value) {
        await writeFile(recipe, JSON.stringify(value))
        return recipe
      },
    })
  })
}
