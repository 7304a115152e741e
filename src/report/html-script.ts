/** Filters the list of changes. Without it the whole list is there, and only the filter is not. */
export const SCRIPT = `
for (const form of document.querySelectorAll('form.filter')) {
  const items = [...document.getElementById(form.dataset.list).children]
  const apply = () => {
    const { text, kind } = form.elements
    const words = text.value.toLowerCase().split(/\\s+/).filter(Boolean)
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
