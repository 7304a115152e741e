import { printable } from '../../words.js'

type Child = Node | string | undefined | false
type Props = Readonly<Record<string, string | boolean | undefined | ((event: Event) => void)>>

/** Makes an element. Texts become text nodes, with marks that would steer the page's direction escaped; functions are listeners. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : printable(value))
  }
  for (const child of children) {
    if (child !== undefined && child !== false) element.append(typeof child === 'string' ? printable(child) : child)
  }
  return element
}

export function button(click: () => void, props: Props, ...children: readonly Child[]): HTMLButtonElement {
  return h('button', { type: 'button', click, ...props }, ...children)
}

/** Makes the frame of a page: its title, what stands below that, and the rest. */
export function frame(name: 'view' | 'label', title: string, head: readonly Node[], ...rest: readonly Node[]) {
  return h('div', { class: name }, h('header', {}, h('h1', {}, h('bdi', {}, title)), ...head), ...rest)
}

export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== printable(text)) element.textContent = printable(text)
}

/** 1 document, 2 documents */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`
}
