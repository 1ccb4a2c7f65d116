export type Theme = 'light' | 'dark'

interface Colors {
  readonly background: string
  readonly text: string
  readonly muted: string
  readonly grid: string
  /**
   * Colors in the order in which series take them: distinguishable with common color blindness (Okabe and Ito 2008),
   * lighter on dark.
   */
  readonly series: readonly string[]
}

export const themes: Readonly<Record<Theme, Colors>> = {
  light: {
    background: '#ffffff',
    text: '#1f2328',
    muted: '#59636e',
    grid: '#e4e7ea',
    series: ['#0072b2', '#d55e00', '#009e73', '#aa4499', '#b8860b', '#56606a', '#56b4e9', '#a3453b'],
  },
  dark: {
    background: '#0d1117',
    text: '#e6edf3',
    muted: '#9198a1',
    grid: '#262c34',
    series: ['#56b4e9', '#ff8c42', '#3fcf9f', '#dd88cc', '#f0d060', '#a8b3be', '#4c8dd6', '#e07a6f'],
  },
}
