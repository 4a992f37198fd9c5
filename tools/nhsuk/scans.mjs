// Sends scans where scripts run: many at a time, with how far each has come, again and again where the way is bad, and with
// a sentence where a file cannot be sent. Without this the same page asks for a number, and each file has a form.
const form = document.querySelector('[data-scans]')
if (form) start(form)

const kinds = { pdf: 'application/pdf', jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', tif: 'image/tiff', tiff: 'image/tiff' }
const atOnce = 3 // files on their way
const tries = 4
const pause = n => new Promise(done => setTimeout(done, 500 * 2 ** n))

// Sentence is something that a clerk can read and act on.
class Sentence extends Error {}

// Expired is said when the form that sends a file is too old. Another one is asked for.
class Expired extends Error {}

function start(form) {
  const most = Number(form.dataset.most)
  const bytes = Number(form.dataset.bytes)
  const picker = form.querySelector('#scans')
  const shown = document.querySelector('[data-sending]')
  const list = shown.querySelector('[data-files]')
  const said = shown.querySelector('[data-said]')
  const sent = new Set() // what was picked on this page already
  const all = [] // files that are shown
  let goes = 0

  form.querySelector('[data-plain]').remove()
  form.querySelector('[data-picks]').hidden = false
  form.addEventListener('submit', event => event.preventDefault())
  picker.addEventListener('change', () => take(picker))
  document.addEventListener('dragover', event => event.preventDefault())
  document.addEventListener('drop', event => {
    event.preventDefault()
    if (event.dataTransfer) take(event.dataTransfer)
  })
  addEventListener('beforeunload', event => {
    if (all.some(row => row.state === 'waits' || row.state === 'moves')) event.preventDefault()
  })

  // take begins with files that were picked or dropped.
  function take(from) {
    const picked = [...from.files]
    if (from === picker) picker.value = ''
    if (picked.length === 0) return
    shown.hidden = false
    const envelopes = form.querySelector('[name="envelopes"]:checked')
    if (!envelopes) return say('Say which envelopes the files are from, then pick them again.')
    if (picked.length > most) return say(`You picked ${picked.length} files. Pick at most ${most} at a time.`)
    const good = []
    for (const file of picked) {
      const same = `${file.name}\n${file.size}\n${file.lastModified}`
      const row = show(file)
      const why = sent.has(same) ? 'It was picked before on this page, and is sent once.' : wrongWith(file, bytes)
      if (why) {
        row.fails(why)
        continue
      }
      sent.add(same)
      good.push(row)
    }
    if (good.length > 0) send(good, envelopes.value, `${form.querySelector('[name="key"]').value}-${goes++}`)
    else tell()
  }

  // send asks for places for files, and sends them there, some at a time.
  async function send(rows, envelopes, key) {
    const ask = () => places(form.action, rows, envelopes, key)
    let waiting
    while (!waiting) {
      try {
        waiting = (await ask()).map((place, n) => ({ row: rows[n], place, n }))
      } catch (err) {
        for (const row of rows) row.fails(sentence(err))
        await rows[0].again() // for all of them
        for (const row of rows) row.waits()
      }
    }
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (let next; (next = waiting.shift());) await one(next, ask)
    }))
  }

  // one sends a file to its place. Where its form is too old, another one is signed for the same place.
  async function one({ row, place, n }, ask) {
    for (;;) {
      try {
        if (place.address) await put(row, place)
        row.says('Sent. Being noted …')
        await arrives(place)
        row.done()
        return tell()
      } catch (err) {
        if (err instanceof Expired) {
          try {
            place = (await ask())[n]
            continue
          } catch (again) {
            err = again
          }
        }
        row.fails(sentence(err))
        await row.again()
      }
    }
  }

  // show puts a file on the list.
  function show(file) {
    const item = document.createElement('li')
    const name = document.createElement('bdi')
    name.textContent = file.name
    const words = document.createElement('span')
    const bar = document.createElement('progress')
    bar.max = 100
    bar.value = 0
    bar.setAttribute('aria-label', `How much of ${file.name} is sent`)
    item.append(name, document.createElement('br'), bar, ' ', words)
    list.append(item)
    const row = {
      file, state: '',
      says(text) {
        words.textContent = text
      },
      waits() {
        row.state = 'waits'
        bar.hidden = false
        words.className = ''
        row.says('Waits …')
      },
      moves(share) {
        row.state = 'moves'
        bar.value = Math.floor(100 * share)
        row.says(`${bar.value}%`)
      },
      done() {
        row.state = 'done'
        bar.value = 100
        row.says('It has arrived.')
      },
      fails(text) {
        row.state = 'failed'
        bar.hidden = true
        words.className = 'nhsuk-error-message'
        words.textContent = text
      },
      // again waits until somebody asks for another try.
      again() {
        const button = document.createElement('button')
        button.type = 'button'
        button.className = 'nhsuk-button nhsuk-button--secondary nhsuk-button--small app-tight'
        button.textContent = 'Send it again'
        const which = document.createElement('span')
        which.className = 'nhsuk-u-visually-hidden'
        which.textContent = `: ${file.name}`
        button.append(which)
        item.append(button)
        tell()
        return new Promise(done => button.addEventListener('click', () => {
          button.remove()
          row.waits()
          done()
        }))
      },
    }
    row.waits()
    all.push(row)
    return row
  }

  // tell says how far all of them are, aloud too.
  function tell() {
    const of = state => all.filter(row => row.state === state).length
    const [done, failed] = [of('done'), of('failed')]
    let text = `${done} of ${all.length} ${all.length === 1 ? 'file has' : 'files have'} arrived.`
    if (failed > 0) text += ` ${failed} could not be sent: see below what to do.`
    else if (done === all.length) text += ' Nothing more is to be done here. What is read of them stands in the batch.'
    say(text)
  }

  function say(text) {
    if (said.textContent !== text) said.textContent = text
  }
}

// wrongWith is why a file is not even tried; nothing, if it may be right. What it is its bytes decide, when it is read.
function wrongWith(file, bytes) {
  const ending = file.name.includes('.') ? file.name.split('.').pop().toLowerCase() : ''
  if (file.size === 0) return 'This file is empty. Scan the paper again and send the new file.'
  if (file.size > bytes) return 'This file has more than 20 MB. Scan fewer pages into one file, or scan at 200 dots an inch in grey, and send the new files.'
  if (!kinds[ending] && !Object.values(kinds).includes(file.type)) return 'This file is no PDF, JPEG, PNG or TIFF. Scan the paper into one of these and send that.'
}

// kindOf is what a browser, or its name, says that a file is.
function kindOf(file) {
  const ending = file.name.split('.').pop().toLowerCase()
  return Object.values(kinds).includes(file.type) ? file.type : kinds[ending] ?? 'application/octet-stream'
}

// places asks for places for files. Asked again under the same key, they are the same places.
async function places(action, rows, envelopes, key) {
  const body = new URLSearchParams({ key, envelopes })
  for (const { file } of rows) {
    body.append('name', file.name.slice(-100))
    body.append('kind', kindOf(file))
  }
  const answer = await asked(action, { method: 'POST', body })
  return (await answer.json()).files
}

// asked asks this service, again and again where it cannot be reached.
async function asked(address, options) {
  for (let n = 0; ; n++) {
    let answer
    try {
      answer = await fetch(address, { ...options, headers: { Accept: 'application/json' }, redirect: 'error' })
    } catch {
      if (n + 1 < tries) {
        await pause(n)
        continue
      }
      throw new Sentence('This service cannot be reached. Check the network, then send it again.')
    }
    if (answer.ok) return answer
    if (answer.status >= 500 && n + 1 < tries) {
      await pause(n)
      continue
    }
    if (answer.status === 401) throw new Sentence('You are signed out. Sign in in another tab, then send it again here.')
    const problem = await answer.json().catch(() => ({}))
    throw new Sentence(problem.detail ?? 'This service cannot take it now. Send it again in a minute.')
  }
}

// put sends a file to its place in storage.
async function put(row, place) {
  for (let n = 0; ; n++) {
    const { status, text } = await post(row, place)
    if (status >= 200 && status < 300) return
    if (/expired/i.test(text)) throw new Expired()
    if (/EntityTooLarge/.test(text)) throw new Sentence('This file has more than 20 MB. Scan fewer pages into one file, and send the new files.')
    if (/EntityTooSmall/.test(text)) throw new Sentence('This file is empty. Scan the paper again and send the new file.')
    if (n + 1 === tries) throw new Sentence(status === 0 ? 'The connection broke, again and again. Check the network, then send it again.' : 'The storage does not take this file now. Send it again in a minute.')
    row.says('The connection broke. Trying again …')
    await pause(n)
  }
}

function post(row, place) {
  return new Promise(done => {
    const body = new FormData()
    for (const [name, value] of Object.entries(place.fields)) body.append(name, value)
    body.append('file', row.file)
    const request = new XMLHttpRequest()
    request.upload.addEventListener('progress', event => event.lengthComputable && row.moves(event.loaded / event.total))
    for (const end of ['load', 'error', 'abort', 'timeout']) request.addEventListener(end, () => done({ status: request.status, text: request.responseText ?? '' }))
    request.open('POST', place.address)
    request.send(body)
  })
}

// arrives notes that a file is there. It would be found without that, some minutes later.
async function arrives(place) {
  try {
    await asked(place.arrived, {})
  } catch (err) {
    if (!(err instanceof Sentence)) throw err
  }
}

function sentence(err) {
  return err instanceof Sentence ? err.message : 'Something went wrong in this browser. Load the page again, and look in the batch for what has arrived.'
}
