// What makes the mailroom's desk quick. Everything on it works without this: it only saves strokes, and shows more of the
// paper. Nothing that is typed leaves the page but by its form; what is remembered from piece to piece is where on a page
// a field was, how large pages are shown, and how many pieces are done.
const desk = document.getElementById('desk')
const form = document.getElementById('key')

const remembered = (store, name, otherwise) => {
  try {
    return JSON.parse(store.getItem(`desk-${name}`)) ?? otherwise
  } catch {
    return otherwise
  }
}
const remember = (store, name, value) => {
  try {
    store.setItem(`desk-${name}`, JSON.stringify(value))
  } catch {} // a browser that keeps nothing
}

if (desk && form) start()

function start() {
  const quick = keysSwitch()
  const paper = looking()
  const strip = magnifying(paper)
  leasing()
  pacing()
  practices()
  leadingOn(quick)
  striking(quick, paper, strip)
  if (!location.hash && !document.querySelector('.nhsuk-error-summary')) {
    const first = form.querySelector('[name="want"]:checked') ?? form.querySelector('[name="want"]')
    first?.focus({ preventScroll: true })
  }
}

// The switch that turns keys of one stroke off, and what leads on by itself. It stays as it was set.
function keysSwitch() {
  const box = document.getElementById('keys-on')
  box.checked = remembered(localStorage, 'keys', true)
  box.addEventListener('change', () => remember(localStorage, 'keys', box.checked))
  return () => box.checked
}

// The pages: which one is seen, how large, and which way up.
function looking() {
  const pane = document.getElementById('paper')
  const pages = pane ? [...pane.querySelectorAll('.app-page')] : []
  const zooms = [...desk.querySelectorAll('[name="zoom"]')]
  const changed = new Set()
  const tell = () => changed.forEach((f) => f())
  const last = remembered(sessionStorage, 'zoom', '')
  for (const z of zooms) {
    if (z.value === last) z.checked = true
    z.addEventListener('change', () => {
      remember(sessionStorage, 'zoom', z.value)
      tell()
    })
  }
  for (const page of pages) {
    const img = page.querySelector('img')
    if (!img) continue
    const known = () => {
      if (!img.naturalWidth) return
      img.parentElement.style.setProperty('--ratio', img.naturalWidth / img.naturalHeight)
      tell()
    }
    known()
    img.addEventListener('load', known)
    img.addEventListener('error', () => {
      if (page.querySelector('.app-undrawn')) return
      const note = document.createElement('p')
      note.className = 'app-undrawn'
      note.append('The picture did not come. ')
      const again = document.createElement('button')
      again.type = 'button'
      again.className = 'nhsuk-button nhsuk-button--secondary nhsuk-button--small app-tight'
      again.textContent = 'Try again'
      again.addEventListener('click', () => {
        note.remove()
        img.hidden = false
        img.src = `${img.src.split('?')[0]}?again=${Date.now()}`
      })
      note.append(again)
      img.hidden = true
      img.after(note)
    })
    page.addEventListener('change', tell)
  }
  pane?.addEventListener('scroll', tell)
  addEventListener('resize', tell)

  const current = () => {
    const middle = pane.getBoundingClientRect().top + pane.clientHeight / 3
    return pages.find((p) => p.getBoundingClientRect().bottom > middle) ?? pages.at(-1)
  }
  const to = (page) => page && pane.scrollTo({ top: page.offsetTop - 8 })
  return {
    pane, pages, current, to,
    onChange: (f) => changed.add(f),
    step: (by) => to(pages[pages.indexOf(current()) + by]),
    move: (by) => pane?.scrollBy({ top: by * pane.clientHeight * 0.15 }),
    zoomBy: (by) => {
      const n = zooms.findIndex((z) => z.checked) + by
      zooms[Math.min(Math.max(n, 0), zooms.length - 1)]?.click()
    },
    zoom: (value) => zooms.find((z) => z.value === value)?.click(),
    turn: () => {
      const all = [...(current()?.querySelectorAll('[name^="turn-"]') ?? [])]
      all[(all.findIndex((t) => t.checked) + 1) % all.length]?.click()
    },
    turned: (page) => Number(page.querySelector('[name^="turn-"]:checked')?.value ?? 0),
  }
}

// The strip shows one band of the page as wide as the window. It follows whoever keys: it goes where on the paper the
// field was when it was keyed last.
function magnifying(paper) {
  if (!paper.pages.length) return { toggle() {}, move: paper.move }
  const strip = document.createElement('div')
  const canvas = document.createElement('canvas')
  const mark = document.createElement('div')
  strip.className = 'app-strip'
  strip.setAttribute('aria-hidden', 'true') // the page itself is beside it
  mark.className = 'app-mark'
  strip.append(canvas)
  document.querySelector('.app-head').after(strip)
  const height = 132
  const where = remembered(sessionStorage, 'places', {})
  let on = remembered(sessionStorage, 'strip', false)
  let at = { page: 0, y: 0.1 }

  const draw = () => {
    strip.hidden = !on
    desk.classList.toggle('app-stripped', on)
    mark.hidden = !on
    if (!on) return
    const page = paper.pages[Math.min(at.page, paper.pages.length - 1)]
    const img = page.querySelector('img')
    const sheet = page.querySelector('.app-sheet')
    const width = strip.clientWidth
    const dots = devicePixelRatio || 1
    canvas.width = width * dots
    canvas.height = height * dots
    if (!img?.naturalWidth) return
    const turn = paper.turned(page)
    const across = turn % 180 === 0
    const [w, h] = across ? [img.naturalWidth, img.naturalHeight] : [img.naturalHeight, img.naturalWidth]
    const scale = Math.max(width, 2 * sheet.clientWidth) / w
    const band = height / (h * scale)
    at.y = Math.min(Math.max(at.y, 0), Math.max(0, 1 - band))
    const c = canvas.getContext('2d')
    c.scale(dots, dots)
    c.translate(0, -at.y * h * scale)
    c.scale(scale, scale)
    c.translate(w / 2, h / 2)
    c.rotate((turn * Math.PI) / 180)
    c.drawImage(img, -img.naturalWidth / 2, -img.naturalHeight / 2)
    sheet.append(mark)
    mark.style.top = `${at.y * 100}%`
    mark.style.height = `${band * 100}%`
  }
  const show = () => { // the band on the page itself, too
    draw()
    const page = paper.pages[Math.min(at.page, paper.pages.length - 1)]
    const sheet = page.querySelector('.app-sheet')
    if (on && sheet) paper.pane.scrollTop = page.offsetTop + sheet.offsetTop - page.offsetTop + at.y * sheet.clientHeight - paper.pane.clientHeight / 3
  }
  const keep = () => {
    const field = form.contains(document.activeElement) && document.activeElement.name
    if (!field) return
    where[field] = at
    remember(sessionStorage, 'places', where)
  }
  form.addEventListener('focusin', (e) => {
    if (!on || !where[e.target.name]) return
    at = { ...where[e.target.name] }
    show()
  })
  paper.onChange(draw)
  for (const [n, page] of paper.pages.entries()) {
    page.querySelector('.app-sheet')?.addEventListener('click', (e) => {
      if (!on) return
      const box = e.currentTarget.getBoundingClientRect()
      at = { page: n, y: (e.clientY - box.top) / box.height - 0.02 }
      keep()
      draw()
    })
  }
  draw()
  return {
    toggle() {
      on = !on
      remember(sessionStorage, 'strip', on)
      if (on) at = { page: Math.max(0, paper.pages.indexOf(paper.current())), y: at.y }
      show()
    },
    move(by) {
      if (!on) return paper.move(by)
      at = { page: at.page, y: at.y + by * 0.03 }
      if (at.y < 0 && at.page > 0) at = { page: at.page - 1, y: 1 }
      else if (at.y > 0.97 && at.page < paper.pages.length - 1) at = { page: at.page + 1, y: 0 }
      show()
      keep()
    },
  }
}

// Whoever types keeps the piece, and sees when nobody holds it for them any more.
function leasing() {
  const until = document.getElementById('until')
  if (!until) return
  let ends = Date.now() + 1000 * Number(desk.dataset.left)
  let asked = Date.now()
  let lost = false
  const said = until.parentElement
  const warning = document.createElement('p')
  warning.className = 'app-note'
  warning.setAttribute('role', 'alert')
  said.after(warning)
  const warn = (words) => {
    if (warning.textContent !== words) warning.textContent = words
  }
  const renew = async () => {
    asked = Date.now()
    const answer = await fetch(desk.dataset.lease, { method: 'POST', headers: { Accept: 'application/json' }, redirect: 'manual' }).catch(() => undefined)
    if (!answer) return // try again with the next stroke
    if (answer.ok) {
      const said = await answer.json()
      ends = Date.now() + 1000 * said.seconds
      until.textContent = said.clock
      warn('')
    } else if (answer.status === 401) warn('You are signed out. What you typed is still here, and can be sent once you have signed in again.')
    else if (answer.status === 409) {
      lost = true
      warn('Nobody holds this piece for you any more. What you typed is still here. Send it: it is taken if nobody else has the piece.')
    }
  }
  for (const what of ['input', 'keydown', 'pointerdown']) {
    document.addEventListener(what, () => {
      if (!lost && Date.now() - asked > 60_000) renew()
    })
  }
  setInterval(() => {
    const left = ends - Date.now()
    if (lost) return
    if (left <= 0) warn('Your time with this piece is over. Press any key: if nobody else has taken it, it is yours again.')
    else if (left < 120_000) warn('Two minutes are left until somebody else may take this piece. Press any key to keep it.')
  }, 5_000)
}

// How many pieces this session has seen, and how long each took.
function pacing() {
  const after = new URLSearchParams(location.search).get('after')
  const pace = remembered(sessionStorage, 'pace', { n: 0, ms: 0, began: 0, after: '' })
  if (after && after !== pace.after && pace.began) {
    pace.n++
    pace.ms += Date.now() - pace.began
    pace.after = after
    pace.began = 0
  }
  if (desk.dataset.lease && pace.piece !== desk.dataset.lease) {
    pace.piece = desk.dataset.lease
    pace.began = 0
  }
  pace.began ||= Date.now()
  remember(sessionStorage, 'pace', pace)
  if (pace.n > 0) {
    document.getElementById('pace').textContent =
      `${pace.n} done in this tab, ${Math.round(pace.ms / pace.n / 1000)} seconds each.`
  }
}

// Practices are offered while their name is typed.
function practices() {
  const field = document.getElementById('practice')
  const which = document.getElementById('which')
  const search = document.querySelector('[data-search]')?.dataset.search
  if (!field || !search) return
  const said = document.createElement('p')
  said.className = 'nhsuk-hint'
  said.setAttribute('role', 'status')
  field.after(said)
  let waits
  let shown = form.querySelector('[name="searched"]')?.value ?? ''
  const offer = async () => {
    const typed = field.value.trim()
    if (typed === shown) return
    shown = typed
    const chosen = which.querySelector(':checked')?.value
    which.textContent = ''
    said.textContent = ''
    if (typed.length < 3) return
    const answer = await fetch(`${search}?q=${encodeURIComponent(typed)}`, { headers: { Accept: 'text/html' }, redirect: 'manual' }).catch(() => undefined)
    if (!answer?.ok || field.value.trim() !== typed) return
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const found = [...page.querySelectorAll('[data-practice]')].map((p) => ({
      code: p.dataset.practice, name: p.querySelector('strong').textContent, where: p.querySelector('span').textContent,
    }))
    if (/^[a-z]\s*\d{5}$/i.test(typed)) {
      said.textContent = found.length ? `${found[0].name}, ${found[0].where}` : 'No practice has this code.'
      return
    }
    said.textContent = found.length ? '' : 'No practice is called that.'
    if (found.length) which.append(radios(typed, found, chosen))
  }
  field.addEventListener('input', () => {
    clearTimeout(waits)
    waits = setTimeout(offer, 150)
  })
  field.addEventListener('change', offer)
  if (field.value) offer()
}

// radios are the question which practice is meant, as the server asks it.
function radios(typed, found, chosen) {
  const make = (tag, props, ...inside) => {
    const e = Object.assign(document.createElement(tag), props)
    e.append(...inside)
    return e
  }
  const item = ({ code, name, where }, n) => {
    const id = `which-practice${n ? `-${n + 1}` : ''}`
    return make('div', { className: 'nhsuk-radios__item' },
      make('input', { className: 'nhsuk-radios__input', type: 'radio', name: 'which-practice', id, value: code, checked: code === chosen || found.length === 1 }),
      make('label', { className: 'nhsuk-label nhsuk-radios__label', htmlFor: id }, name),
      ...(where ? [make('div', { className: 'nhsuk-hint nhsuk-radios__hint' }, where)] : []))
  }
  const all = [...found, { code: 'none', name: 'None of these: the office looks for it' }]
  return make('div', { className: 'nhsuk-form-group' },
    make('input', { type: 'hidden', name: 'searched', value: typed }),
    make('fieldset', { className: 'nhsuk-fieldset' },
      make('legend', { className: 'nhsuk-fieldset__legend nhsuk-fieldset__legend--s' }, 'Which practice is meant?'),
      make('div', { className: 'nhsuk-radios nhsuk-radios--small' }, ...all.map(item))))
}

const isText = (e) => e.matches?.('textarea, select, input:not([type="radio"], [type="checkbox"], [type="hidden"])')

// next goes to the field behind one, past what is closed and past the rest of its own question.
function next(from) {
  const all = [...form.querySelectorAll('input:not([type="hidden"])'), document.getElementById('register')].filter((e) => e.checkVisibility() && e.tabIndex >= 0)
  const behind = all.slice(all.indexOf(from) + 1).filter((e) => e.type !== 'radio' || e.name !== from.name)
  const to = behind.find((e) => e.name !== 'stop') ?? document.getElementById('register')
  const group = to.type === 'radio' ? all.filter((e) => e.name === to.name) : []
  ;(group.find((e) => e.checked) ?? to).focus()
  to.select?.()
}

// Enter leads on to the next field, and so does the last figure of a day, month or year.
function leadingOn(quick) {
  form.addEventListener('keydown', (e) => {
    if (e.key !== 'Enter' || e.ctrlKey || e.altKey || e.metaKey || e.isComposing || !e.target.matches('input')) return
    e.preventDefault() // a form is registered by its button alone
    next(e.target)
  })
  form.addEventListener('input', (e) => {
    const field = e.target
    if (!quick() || !field.matches('.nhsuk-date-input__input') || !e.inputType?.startsWith('insert')) return
    if (/[\s/.-]$/.test(field.value)) {
      field.value = field.value.slice(0, -1)
      if (field.value) next(field)
      return
    }
    const year = field.name.endsWith('year')
    if (/^\d+$/.test(field.value) && field.value.length === (year ? 4 : 2) && field.selectionStart === field.value.length) next(field)
  })
}

// Keys.
function striking(quick, paper, strip) {
  // A figure leads to an outcome. Only with Alt is a form registered at once: what is typed beside a field by mistake must
  // decide nothing.
  const act = (figure, alt) => {
    const button = form.querySelector(`[data-act="${figure}"]`)
    if (!button) return false
    if (button.matches('details')) {
      button.open = true
      for (const other of form.querySelectorAll('.app-menu')) if (other !== button) other.open = false
      button.querySelector('.app-reasons button').focus()
    } else {
      button.focus()
      if (alt && button.id === 'register') button.click()
    }
    return true
  }
  const endsHere = () => {
    const last = document.getElementById('last')
    const page = paper.current()
    if (!last || !page) return false
    last.closest('details').open = true
    last.value = page.dataset.page
    ;(form.querySelector('[name="rest"]:checked') ?? form.querySelector('[name="rest"]')).focus()
    return true
  }
  const help = () => {
    const keys = document.getElementById('keys')
    keys.open = !keys.open
    if (keys.open) keys.querySelector('summary').focus()
    return true
  }
  const did = (f) => (f(), true)
  // choose takes the nth of what somebody is at: an answer of a question, a reason of a list.
  const choose = (figure, at) => {
    const n = Number(figure) - 1
    if (at.matches('[type="radio"], [type="checkbox"]')) {
      const group = [...form.querySelectorAll(`[name="${at.name}"]`)]
      if (group.length < 2 || !group[n]) return true // and no outcome, which a slip of the finger must not give
      group[n].click()
      group[n].focus()
      if (at.type === 'radio') next(group[n])
      return true
    }
    const reasons = at.closest('.app-menu[open]')?.querySelectorAll('.app-reasons button')
    if (!reasons) return false
    reasons[n]?.focus()
    return true
  }
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.isComposing) return
    const at = e.target
    const menu = at.closest?.('.app-menu[open]')
    let done = false
    if (e.key === 'Enter' && at.matches?.('.nhsuk-error-summary, .nhsuk-error-summary > div')) {
      at.querySelector('a')?.click() // to the first field with which something is wrong
      done = true
    } else if (e.key === 'Escape' && menu) {
      menu.open = false
      menu.querySelector('summary').focus()
      done = true
    } else if (menu && !e.altKey && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
      const all = [menu.querySelector('summary'), ...menu.querySelectorAll('.app-reasons button')]
      all[Math.min(Math.max(all.indexOf(at) + (e.key === 'ArrowDown' ? 1 : -1), 0), all.length - 1)].focus()
      done = true
    } else if (e.altKey && !e.shiftKey) {
      const figure = /^(?:Digit|Numpad)(\d)$/.exec(e.code)?.[1]
      if (figure !== undefined) done = act(figure, true)
      else {
        const way = {
          ArrowDown: () => strip.move(1), ArrowUp: () => strip.move(-1), PageDown: () => paper.step(1), PageUp: () => paper.step(-1),
          Equal: () => paper.zoomBy(1), NumpadAdd: () => paper.zoomBy(1), Minus: () => paper.zoomBy(-1), NumpadSubtract: () => paper.zoomBy(-1),
          KeyR: () => paper.turn(), KeyM: () => strip.toggle(),
        }[e.code]
        done = way !== undefined && did(way)
      }
    } else if (!e.altKey && quick() && !isText(at)) {
      if (/^\d$/.test(e.key)) done = (at !== document.body && choose(e.key, at)) || act(e.key)
      else {
        const way = {
          n: () => paper.step(1), p: () => paper.step(-1), '+': () => paper.zoomBy(1), '=': () => paper.zoomBy(1), '-': () => paper.zoomBy(-1),
          r: () => paper.turn(), w: () => paper.zoom('whole'), f: () => paper.zoom('width'), m: () => strip.toggle(), e: endsHere, '?': help,
        }[e.key.toLowerCase()]
        done = way !== undefined && did(way)
      }
    }
    if (done) e.preventDefault()
  })
}
