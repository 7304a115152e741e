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
  element.append(...children.filter(child => child !== undefined && child !== false).map(textNode))
  return element
}

function textNode(child: Node | string | undefined | false): Node | string {
  return typeof child === 'string' ? printable(child) : (child as Node)
}

/** Sets the text of an element. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== printable(text)) element.textContent = printable(text)
}

/** 1 document, 2 documents */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`
}
