/** Filters the list of changes. Without it the whole list is there, and only the filter is not. */
export const SCRIPT = `
for (const form of document.querySelectorAll('form.filter')) {
  const list = document.getElementById(form.dataset.list)
  const items = [...list.querySelectorAll('.changes > li')]
  const apply = () => {
    const { text, kind } = form.elements
    const words = text.value.toLowerCase().split(/\\s+/).filter(Boolean)
    for (const group of list.children) group.hidden = kind.value !== 'all' && group.className !== kind.value
    if (words.length > 0) for (const more of list.querySelectorAll('.more')) more.open = true
    let shown = 0
    for (const item of items) {
      const content = item.textContent.toLowerCase()
      item.hidden = !((kind.value === 'all' || item.classList.contains(kind.value)) && words.every(word => content.includes(word)))
      if (!item.hidden) shown++
    }
    form.querySelector('output').textContent = shown + ' of ' + items.length + ' shown'
  }
  form.addEventListener('input', apply)
  form.addEventListener('submit', event => event.preventDefault())
  form.hidden = false
  apply()
}
`
