import { bytesAs, type FileSize, isBlockLinear, planRecipe, type Subject } from '@tessera-llm/optimize'

/** Counts only the linear layers of the blocks, as the rows do: for budgets with the bytes of a row. */
export function linearSize(original: Subject): FileSize {
  return {
    // Rows name theirs.
    formats: [],
    weightBytes: (shape, format) => bytesAs(format, shape),
    keptBytes: ({ storedBytes }) => storedBytes,
    fileBytes: (_, recipe) =>
      planRecipe(original, recipe).tensors.reduce(
        (sum, { name, after }) => sum + (isBlockLinear(name) ? after.bytes : 0),
        0,
      ),
  }
}
