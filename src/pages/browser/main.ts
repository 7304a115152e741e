import { printable } from '../../words.js'
import { ask } from './api.js'
import { h } from './dom.js'
import { labelPage } from './label.js'
import { viewPage } from './view.js'

const root = document.getElementById('page')!
try {
  const state = await ask('state')
  document.title = printable(`${state.page}: ${state.title}`)
  root.replaceChildren(state.page === 'label' ? labelPage(state) : viewPage(state))
} catch (error) {
  root.replaceChildren(h('main', { id: 'main' }, h('h1', {}, 'adapter-train'), h('p', {}, (error as Error).message)))
}
