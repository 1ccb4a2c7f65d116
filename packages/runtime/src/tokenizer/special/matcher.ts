/** Finds the words of a fixed set in a text. */
export interface Matcher {
  /** Calls `found` for every word that starts at `start`, shortest first, with its index in the set and its end. */
  visit(text: string, start: number, found: (word: number, end: number) => void): void
}

interface Node {
  readonly next: Map<number, Node>
  word: number | undefined
}

/** A trie over UTF-16 code units. The first of equal words counts; empty words never match. */
export function createMatcher(words: readonly string[]): Matcher {
  const root = makeNode()
  for (const [index, word] of words.entries()) {
    if (word === '') continue
    let node = root
    for (let at = 0; at < word.length; at++) node = childOf(node, word.charCodeAt(at))
    node.word ??= index
  }
  return {
    visit(text, start, found) {
      let node = root.next.get(text.charCodeAt(start))
      // Beyond the end charCodeAt returns NaN, which is no key.
      for (let end = start + 1; node; end++) {
        if (node.word !== undefined) found(node.word, end)
        node = node.next.get(text.charCodeAt(end))
      }
    },
  }
}

function makeNode(): Node {
  return { next: new Map(), word: undefined }
}

function childOf(node: Node, unit: number): Node {
  const known = node.next.get(unit)
  if (known) return known
  const child = makeNode()
  node.next.set(unit, child)
  return child
}
