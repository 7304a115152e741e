import type { PlotOptions } from '@observablehq/plot'
import type { DetailedChange } from '../pipeline/proof-detail.js'
import type { Report } from './report.js'

/** The library that draws, which a section is handed because it is loaded late. */
export type Plot = typeof import('@observablehq/plot')

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** What it shows, for those who do not see what is around it. */
  readonly caption: string
  /** Columns of words, at the left; the others are numbers. Default 1. */
  readonly words?: number
}

export interface Figure {
  /** One sentence: what is drawn and what to look for. */
  readonly caption: string
  /** Colours and what they stand for. */
  readonly legend?: readonly { readonly label: string; readonly color: string }[]
  /** The same figures in numbers; absent where the table of the next figure has them. */
  readonly table?: Table
  /** @param width in pixels: a wide one for screens and paper, a narrow one for telephones */
  draw(plot: Plot, width: number): PlotOptions
}

/** Queries that changed, with what they find. */
export interface Changes {
  readonly items: readonly DetailedChange[]
  /** Documents that were looked at for a rank. */
  readonly depth: number
  /** document id -> text; ids stand for texts that are not known */
  readonly documentText?: (id: string) => string | undefined
}

/** A piece of a section; a format renders each kind in its own way. */
export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'table'; readonly table: Table }
  | { readonly type: 'figure'; readonly figure: Figure }
  | { readonly type: 'list'; readonly items: readonly string[] }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'changes'; readonly changes: Changes }

export interface Section {
  readonly id: string
  readonly title: string
  readonly blocks: readonly Block[]
}

/** Makes a section of a report, or nothing where the report has no facts for it. */
export type SectionMaker<T = Report> = (report: T) => Section | undefined

/** Colours of the style sheet, told apart by people who are colour-blind too. */
export const COLORS = {
  base: 'var(--base)',
  adapted: 'var(--adapted)',
  better: 'var(--better)',
  worse: 'var(--worse)',
  same: 'var(--same)',
  tied: 'var(--tied)',
} as const
