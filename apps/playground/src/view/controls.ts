import { h } from './dom.ts'

let ids = 0

/** A labelled list to choose from; `change` gets the chosen value. */
export function choice<T extends string | number>(
  label: string,
  options: readonly (readonly [value: T, text: string])[],
  chosen: T,
  change: (value: T) => void,
): HTMLElement {
  const id = `control-${(ids += 1)}`
  const select = h(
    'select',
    {
      id,
      change: () => change((options[select.selectedIndex] as readonly [T, string])[0]),
    },
    ...options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
  )
  return h('div', { class: 'control' }, h('label', { for: id }, label), select)
}

/** A labelled box to tick. */
export function tick(label: string, isTicked: boolean, change: (isTicked: boolean) => void): HTMLElement {
  const id = `control-${(ids += 1)}`
  const input = h('input', { id, type: 'checkbox', checked: isTicked, change: () => change(input.checked) })
  return h('div', { class: 'control tick' }, input, h('label', { for: id }, label))
}

export interface Slider {
  readonly element: HTMLElement
  set(value: number, max?: number): void
}

/** A labelled slider whose value is said in words. */
export function slider(
  label: string,
  max: number,
  value: number,
  words: (value: number) => string,
  change: (value: number) => void,
): Slider {
  const id = `control-${(ids += 1)}`
  const input = h('input', { id, type: 'range', min: 0, max, step: 1, value, input: () => move(Number(input.value)) })
  const output = h('output', { for: id })
  const show = (now: number): void => {
    output.textContent = words(now)
    input.setAttribute('aria-valuetext', words(now))
  }
  const move = (now: number): void => {
    show(now)
    change(now)
  }
  show(value)
  return {
    element: h('div', { class: 'control wide' }, h('label', { for: id }, label), input, output),
    set(now, newMax) {
      if (newMax !== undefined) input.max = String(newMax)
      input.value = String(now)
      show(now)
    },
  }
}

/** A text that the reader may change; `change` gets it when the box is left or Enter is pressed. */
export function textBox(label: string, text: string, change: (text: string) => void): HTMLElement {
  const id = `control-${(ids += 1)}`
  const input = h('input', {
    id,
    type: 'text',
    value: text,
    spellcheck: 'false',
    autocomplete: 'off',
    maxlength: 400,
    change: () => change(input.value),
  })
  return h('div', { class: 'control wide' }, h('label', { for: id }, label), input)
}
