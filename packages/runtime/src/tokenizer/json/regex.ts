/** Unicode White_Space, as a class body. JavaScript's \s differs: it has U+FEFF and lacks U+0085. */
export const whiteSpace = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
/** The characters of \w in Rust's regular expressions and in Oniguruma, as a class body. */
export const wordCharacters = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d'

const classes: Readonly<Record<string, string>> = { s: whiteSpace, d: '\\p{Nd}', w: wordCharacters, h: '0-9a-fA-F' }
const generalCategory = /^(?:L[ulmotC]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfson]?)$/

/**
 * Translates an Oniguruma pattern of a tokenizer.json to a JavaScript one with the flags `gu`. Throws a `SyntaxError`
 * for constructs without an equivalent: POSIX brackets, nested and intersected classes, possessive intervals, `\G`,
 * `\R`, `\X`.
 */
export function fromOniguruma(pattern: string): RegExp {
  return new RegExp(new Translator(pattern).translate(), 'gu')
}

interface Group {
  readonly start: number
  readonly ignoreCase: boolean
  /** Name of the atomic group, which the translation repeats. */
  readonly atomic: string | undefined
}

class Translator {
  private readonly source: string
  private at = 0
  private out = ''
  private ignoreCase = false
  private names = 0

  constructor(source: string) {
    this.source = source
  }

  translate(): string {
    const groups: Group[] = []
    /** Start of the last atom in the output, to which a quantifier or a possessive mark applies. */
    let atom = 0
    while (this.at < this.source.length) {
      const char = String.fromCodePoint(this.source.codePointAt(this.at) as number)
      if (char === '(') {
        const start = this.out.length
        const group = this.openGroup(start)
        if (group) groups.push(group)
      } else if (char === ')') {
        const group = groups.pop()
        if (!group) throw new SyntaxError('unmatched )')
        this.at++
        this.out += group.atomic === undefined ? ')' : `))\\k<${group.atomic}>)`
        this.ignoreCase = group.ignoreCase
        atom = group.start
      } else if ('*+?{'.includes(char)) {
        this.quantifier(atom)
      } else {
        atom = this.out.length
        if (char === '[') this.out += this.charClass()
        else if (char === '\\') this.out += this.escape(false)
        else {
          this.at += char.length
          this.out += this.plain(char)
        }
      }
    }
    return this.out
  }

  private openGroup(start: number): Group | undefined {
    const { ignoreCase } = this
    const flags = /^\(\?([imsx]*)(?:-([imsx]*))?([:)])/.exec(this.source.slice(this.at))
    if (flags) {
      const [all, on = '', off = '', end] = flags
      if (/[msx]/.test(on + off)) throw new SyntaxError(`the option group ${all} has no equivalent`)
      this.at += all.length
      if (on.includes('i')) this.ignoreCase = true
      if (off.includes('i')) this.ignoreCase = false
      if (end === ')') return undefined
      this.out += '(?:'
      return { start, ignoreCase, atomic: undefined }
    }
    if (this.source.startsWith('(?>', this.at)) {
      const atomic = this.name()
      this.at += 3
      this.out += `(?:(?=(?<${atomic}>`
      return { start, ignoreCase, atomic }
    }
    const open = /^\((?:\?(?:[=!]|<[=!]|<[A-Za-z_]\w*>))?/.exec(this.source.slice(this.at)) as RegExpExecArray
    if (open[0] === '(' && this.source[this.at + 1] === '?')
      throw new SyntaxError('a group of this kind has no equivalent')
    this.at += open[0].length
    this.out += open[0]
    return { start, ignoreCase, atomic: undefined }
  }

  private quantifier(atom: number): void {
    const found = /^(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})/.exec(this.source.slice(this.at))
    // A brace that opens no interval is a literal.
    if (!found) {
      this.at++
      this.out += '\\{'
      return
    }
    const [text] = found
    this.at += text.length
    this.out += text.startsWith('{,') ? `{0${text.slice(1)}` : text
    const mark = this.source[this.at]
    if (mark === '?') {
      this.at++
      this.out += '?'
    } else if (mark === '+') {
      if (text.startsWith('{')) throw new SyntaxError(`${text}+ means different things to different engines`)
      this.at++
      const name = this.name()
      this.out = `${this.out.slice(0, atom)}(?:(?=(?<${name}>${this.out.slice(atom)}))\\k<${name}>)`
    }
  }

  private plain(char: string): string {
    if (char === '.') return '[^\\n]'
    // Oniguruma's anchors match at lines.
    if (char === '^') return '(?<![^\\n])'
    if (char === '$') return '(?![^\\n])'
    if (char === '|') return char
    if (char === ']' || char === '}') return `\\${char}`
    const variants = this.variants(char)
    return variants.length > 1 ? `[${variants.join('')}]` : char
  }

  /** Translates one escape sequence; inside a class without brackets of its own. */
  private escape(inClass: boolean): string {
    const rest = this.source.slice(this.at)
    const property = /^\\([pP])\{(\^?)([\w ]+)\}/.exec(rest)
    if (property) {
      this.at += property[0].length
      const name = property[3] as string
      const negative = (property[1] === 'P') !== (property[2] === '^')
      return `\\${negative ? 'P' : 'p'}{${generalCategory.test(name) ? name : propertyName(name)}}`
    }
    const code = /^\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(rest)
    if (code) {
      this.at += code[0].length
      return `\\u{${code[1] ?? code[2] ?? code[3]}}`
    }
    const point = rest.codePointAt(1)
    if (point === undefined) throw new SyntaxError('a \\ at the end escapes nothing')
    const char = String.fromCodePoint(point)
    this.at += 1 + char.length
    const body = Object.hasOwn(classes, char) ? classes[char] : undefined
    if (body !== undefined) return inClass ? body : `[${body}]`
    const negated = Object.hasOwn(classes, char.toLowerCase()) ? classes[char.toLowerCase()] : undefined
    if (negated !== undefined) {
      if (inClass) throw new SyntaxError(`\\${char} inside a class has no equivalent`)
      return `[^${negated}]`
    }
    if ('nrtfv'.includes(char)) return `\\${char}`
    if (char === 'b' || char === 'B' || /[0-9]/.test(char)) throw new SyntaxError(`\\${char} has no equivalent`)
    if (char === 'A') return '(?<![^])'
    if (char === 'z') return '(?![^])'
    if (/[A-Za-z]/.test(char)) throw new SyntaxError(`\\${char} has no equivalent`)
    return /[\^$\\.*+?()[\]{}|/]/.test(char) || (inClass && char === '-') ? `\\${char}` : char
  }

  private charClass(): string {
    this.at++
    let body = ''
    let negated = ''
    if (this.source[this.at] === '^') {
      negated = '^'
      this.at++
    }
    let isFirst = true
    for (;;) {
      const point = this.source.codePointAt(this.at)
      if (point === undefined) throw new SyntaxError('a class is not closed')
      const char = String.fromCodePoint(point)
      if (char === ']' && !isFirst) break
      isFirst = false
      if (char === '[' || this.source.startsWith('&&', this.at))
        throw new SyntaxError('a class inside a class has no equivalent')
      if (char === '\\') {
        body += this.escape(true)
        continue
      }
      const range = /^([A-Za-z])-([A-Za-z])/.exec(this.source.slice(this.at))
      if (range && this.ignoreCase) {
        this.at += 3
        body += `${range[0].toLowerCase()}${range[0].toUpperCase()}`
        continue
      }
      this.at += char.length
      if (char === ']') body += '\\]'
      else if (this.source[this.at] === '-' && this.source[this.at + 1] !== ']') body += char
      else body += this.variants(char).join('')
    }
    this.at++
    return `[${negated}${body}]`
  }

  /**
   * The character and, if case is ignored, its other forms: with U+017F for s and U+212A for k, as Unicode folds them.
   */
  private variants(char: string): string[] {
    if (!this.ignoreCase) return [char]
    const folded = char.toLowerCase()
    const forms = [
      char,
      folded,
      char.toUpperCase(),
      ...(folded === 's' ? ['\u017f'] : []),
      ...(folded === 'k' ? ['\u212a'] : []),
    ]
    return [...new Set(forms.filter((form) => Array.from(form).length === 1))]
  }

  private name(): string {
    return `possessive${this.names++}`
  }
}

function propertyName(name: string): string {
  const binary = /^(?:Alphabetic|White_Space|Uppercase|Lowercase|Emoji)$/.test(name)
  return binary ? name : `Script=${name}`
}
