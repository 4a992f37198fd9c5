// The behaviours that our components ask for by data-module, and their start. A test names what is missing.
import {
  Button, CharacterCount, Checkboxes, ErrorSummary, Header, NotificationBanner, Radios, Scroll, SkipLink, Table, createAll,
} from 'nhsuk-frontend'

for (const behaviour of [
  Button, CharacterCount, Checkboxes, ErrorSummary, Header, NotificationBanner, Radios, Scroll, SkipLink, Table,
]) createAll(behaviour)

// What staff copy into another system, and put on paper. Without scripts there are no such buttons.
for (const button of document.querySelectorAll('[data-copy], [data-print]')) {
  const copies = button.dataset.copy !== undefined
  if (copies && !navigator.clipboard) continue // of a page that is not served safely
  button.hidden = false
  const said = button.firstChild.textContent
  button.addEventListener('click', async () => {
    if (!copies) return window.print()
    await navigator.clipboard.writeText(button.dataset.copy)
    button.firstChild.textContent = 'Copied'
    setTimeout(() => { button.firstChild.textContent = said }, 2000)
  })
}
