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
  const live = document.createElement('span') // said aloud, beside the button
  live.setAttribute('role', 'status')
  live.className = 'nhsuk-u-visually-hidden'
  button.after(live)
  const say = (words, aloud) => {
    button.firstChild.textContent = words
    live.textContent = aloud
  }
  button.addEventListener('click', async () => {
    if (!copies) return window.print()
    const done = await navigator.clipboard.writeText(button.dataset.copy).then(() => 'Copied', () => 'Not copied')
    say(done, done)
    setTimeout(() => say(said, ''), 2000)
  })
}

// Where something is typed, staff are warned two minutes before the fifteen without a request end.
for (const stay of document.querySelectorAll('[data-stay]')) {
  const [soon, out] = stay.children
  const show = (what) => {
    stay.hidden = what === undefined
    for (const p of [soon, out]) p.hidden = p !== what
  }
  const begin = () => {
    show()
    setTimeout(() => show(soon), 13 * 60_000)
  }
  begin()
  soon.querySelector('button').addEventListener('click', async () => {
    const answer = await fetch(stay.dataset.stay, { redirect: 'manual' }).catch(() => ({}))
    answer.ok ? begin() : show(out)
  })
}
