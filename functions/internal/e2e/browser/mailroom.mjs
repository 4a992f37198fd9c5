// The walks of people in the mailroom: a batch from its header sheet to the end of its books, at the desk's own keys.
import { find, follow, push, says, signIn, signOut } from './staff.mjs'
import { answer, buttonOf } from './walker.mjs'

const home = '/mailroom'

// ten takes a batch of ten envelopes through the mailroom, with a supervisor beside it.
async function ten(visitor, { scans }) {
  const files = scans[visitor.mode]
  await signIn(visitor, 'clerk', home)
  await visitor.check({ as: 'home' })
  const batch = await opens(visitor, 10)
  await follow(visitor, 'Print the header sheet', { as: 'header-sheet' })
  await follow(visitor, 'Back to the batch')
  await sends(visitor, files)
  await allRead(visitor, batch)
  await visitor.check({ as: 'batch-read' })

  // What a clerk says of each piece, by its file and its first page.
  const form = (name, page) => files.find((f) => f.name === name).forms[page - 1]
  const register = (name, page, before) => ({ ...form(name, page), before })
  await works(visitor, `${home}/desk?batch=${batch}`, 'Next piece', {
    'stack.pdf 1': register('stack.pdf', 1, (at) => at.ends('next')),
    'stack.pdf 2': register('stack.pdf', 2, (at) => at.ends('same')),
    'stack.pdf 3': register('stack.pdf', 3),
    'photograph.jpg 1': { ...form('photograph.jpg', 1), practice: 'Densham' },
    'fax.tiff 1': { ...form('fax.tiff', 1), before: (at) => at.ends('same'), outcome: ['2', 'hold-signature'] },
    'fax.tiff 2': register('fax.tiff', 2),
    'letter.pdf 1': { before: (at) => at.ends('same'), outcome: ['4', 'other-covering-letter'] },
    'letter.pdf 2': { outcome: ['6', 'alarm'] },
    'other-form.png 1': { outcome: ['3', 'back-type-1'] },
    'blank.pdf 1': { outcome: ['4', 'other-blank'] },
  })

  await visitor.open(`${home}/batches/${batch}`)
  await envelopes(visitor)
  const supervisor = await visitor.colleague()
  await signIn(supervisor, 'supervisor', home)
  const second = { 'photograph.jpg 1': { ...form('photograph.jpg', 1), choice: (form('photograph.jpg', 1).choice % 3) + 1 } }
  second['fax.tiff 1'] = { ...form('fax.tiff', 1), outcome: ['2', 'hold-signature'] } // in doubt, and read by two as well
  for (const [name, page] of [['stack.pdf', 1], ['stack.pdf', 2], ['stack.pdf', 3], ['fax.tiff', 2]]) second[`${name} ${page}`] = form(name, page)
  await works(supervisor, `${home}/desk?batch=${batch}&stage=S`, 'Next piece to key once more', second)
  await supervises(supervisor)
  await works(supervisor, `${home}/desk?batch=${batch}&stage=V`, 'Next piece for a supervisor', {
    'letter.pdf 2': form('letter.pdf', 2),
  })
  await supervisor.open(`${home}/supervise`) // what is unlike she has read herself: it is not among those that she is given
  await supervisor.press(supervisor.page.locator(`td a[href^="${home}/desk/${batch.replaceAll('-', '')}/"]`))
  await supervisor.check({ as: 'piece-own' })
  await supervisor.press(supervisor.page.getByRole('button', { name: 'There is no other supervisor: I decide' }))
  await new Desk(supervisor, 'photograph.jpg 1').does({ compared: true, choice: form('photograph.jpg', 1).choice })

  await visitor.open(`${home}/batches/${batch}`)
  await follow(visitor, 'Put something in by hand')
  await answer(visitor, { wrong: [{}, { envelope: 'ten' }], right: { envelope: '10', what: 'other-post empty-envelope' } })
  await visitor.check({ as: 'batch-adds-up' })
  await push(visitor, 'Close the batch', { as: 'batch-closed' })
  await says(visitor, 'The batch is closed.')
  await letters(supervisor)
  await paper(supervisor, batch)
  await supervisor.leave()
  await signOut(visitor, home)
}

// opens opens a batch and gives its reference.
async function opens(visitor, number) {
  await visitor.open(home)
  await follow(visitor, 'Open a batch', { as: 'open' })
  await answer(visitor, {
    wrong: [{ envelopes: '', box: '', sequence: '' }, { envelopes: 'ten', box: '2026-B-17', sequence: '3' }],
    right: { envelopes: String(number), box: '2026-B-17', sequence: '3' },
  })
  await visitor.check({ as: 'batch-opened' })
  return new URL(visitor.page.url()).pathname.split('/').pop()
}

// sends sends files from the batch's page, each an envelope of its own, and comes back to it.
async function sends(visitor, files) {
  const { page } = visitor
  await follow(visitor, 'Send scans', { as: 'files' })
  await visitor.hand.choose(page.locator('[name=envelopes][value=each]'))
  await toBucket(visitor)
  if (!visitor.settings.scripts) {
    await visitor.hand.fill(page.locator('[name=count]'), String(files.length))
    await push(visitor, 'Continue', { as: 'send' })
    visitor.hosts.push(new URL(await page.locator('form[enctype]').first().getAttribute('action')).host)
    for (const file of files) {
      const form = page.locator('form[enctype]').first()
      await form.locator('[type=file]').setInputFiles(file.path)
      await visitor.press(buttonOf(form))
    }
    await visitor.check({ as: 'sent' })
    await follow(visitor, 'Back to the batch')
    return
  }
  await page.locator('#scans').setInputFiles(files.map((f) => f.path))
  await page.getByText('Files', { exact: true }).waitFor()
  if ((await page.locator('progress').count()) !== files.length) visitor.fail('does not show how much of each file is sent')
  await page.getByText(`${files.length} of ${files.length} files have arrived.`).waitFor({ timeout: 120_000 })
  await visitor.check({ as: 'files-sent' })
  await follow(visitor, 'Back to the batch')
}

// toBucket allows a page to send to the bucket, which its policy names.
async function toBucket(visitor) {
  const policy = (await visitor.context.request.get(visitor.page.url())).headers()['content-security-policy']
  for (const [host] of policy.matchAll(/https?:\/\/[^\s;]+/g)) visitor.hosts.push(new URL(host).host)
}

// allRead looks at a batch again until each of its files is checked and read.
async function allRead(visitor, batch) {
  for (const end = Date.now() + 180_000; ; ) {
    await visitor.open(`${home}/batches/${batch}`)
    if (!/Being checked|No file yet/.test(await visitor.page.locator('table').last().innerText())) return
    if (Date.now() > end) throw new Error(`not read:\n${await visitor.text()}`)
  }
}

// works takes pieces from one of the desk's lists until nothing is left, and gives each what is said of it.
async function works(visitor, list, button, says) {
  const { page } = visitor
  await visitor.open(list)
  await visitor.check({ as: 'desk' })
  await visitor.press(page.getByRole('button', { name: button, exact: true }))
  const left = new Set(Object.keys(says))
  await judgesPiece(visitor)
  while (visitor.name === 'piece') {
    const shown = await page.locator('.app-head p').first().innerText()
    const [, first, name] = shown.match(/pages? (\d+).*“(.*)”/) ?? []
    const key = `${name} ${first}`
    if (!left.delete(key)) throw new Error(`nobody said what to do with "${shown}"`)
    await new Desk(visitor, key).does(says[key])
  }
  await visitor.check({ as: 'desk-done' })
  for (const key of left) visitor.fail(`never came to ${key}`)
}

// judgesPiece judges the page of a piece, and the same with what is missing on it, and puts the piece back: the judge leaves
// the focus where it ends. The next one is taken by Enter alone.
async function judgesPiece(visitor) {
  const { page } = visitor
  await page.locator('#paper img').first().evaluate((img) => img.decode())
  await visitor.check({ as: 'piece' })
  if ((await page.locator('[name=want]:checked').count()) === 0) { // else it would be registered
    await visitor.press(page.locator('#register'))
    await visitor.check({ status: 422, error: true, as: 'piece-error' })
  }
  const desk = new Desk(visitor)
  await desk.strikes('Alt+0')
  await desk.arrives(() => desk.strikes('Enter'))
  await page.waitForFunction(() => document.activeElement.id.startsWith('next-')) // browsers give it the focus a little after the page
  await desk.arrives(() => desk.strikes('Enter'))
}

// Desk is somebody's keys at a piece, counted.
class Desk {
  constructor(visitor, piece) {
    Object.assign(this, { visitor, page: visitor.page, piece, strokes: 0 })
  }

  async does(said) {
    const began = Date.now()
    if (said.forenames || said.choice) await this.types(said)
    if (said.before) await said.before(this)
    const [menu, outcome] = said.outcome ?? []
    if (menu) await this.decides(menu, outcome)
    else await this.arrives(() => this.strikes('Alt+1'))
    const status = outcome?.split('-')[0] ?? (said.compared ? 'decided' : this.again ? 'read again' : 'keyed')
    this.visitor.report({ page: 'piece', piece: `${status}: ${this.piece}`, took: Date.now() - began, strokes: this.strokes })
  }

  // types fills in what stands on a form, from the first field to the last. Where it was filled in before, it corrects
  // what it is said to.
  async types(f) {
    await this.is('want')
    await this.strikes(String(f.choice))
    if (f.compared) return
    if (await this.page.locator('[name=forenames]').isVisible()) {
      await this.fills('forenames', f.forenames)
      await this.fills('surname', f.surname)
    }
    for (const [n, part] of ['day', 'month', 'year'].entries()) await this.fills(`birth-date-${part}`, String(f.born[n]))
    await this.fills('nhs-number', f.number)
    this.again = !(await this.page.locator('[name=postcode]').isVisible())
    if (this.again) return
    await this.fills('line-1', f.address[0])
    await this.fills('line-3', f.address[2])
    await this.fills('postcode', f.postcode)
    await this.fills('practice', f.practice ?? 'A81001')
    if (f.practice) {
      await this.page.locator('[name=which-practice]').first().waitFor()
      await this.leads('which-practice')
      await this.strikes('1')
    }
    for (const [n, part] of ['day', 'month', 'year'].entries()) await this.fills(`signed-on-${part}`, String(f.signed[n]))
  }

  // ends says that the piece ends with the page that is seen, and from which envelope the rest is.
  async ends(rest) {
    if (await this.isText()) await this.strikes('Enter')
    if ((await this.at()) === '') await this.strikes('Tab')
    await this.strikes('e')
    await this.is('rest')
    await this.strikes(rest === 'same' ? '1' : '2')
  }

  // decides gives an outcome that needs a reason: Alt and its figure, then the reason's own figure.
  async decides(figure, outcome) {
    await this.strikes(`Alt+${figure}`)
    const nth = await this.page.evaluate((value) => {
      const all = [...document.querySelectorAll('.app-menu[open] .app-reasons button')]
      return all.findIndex((b) => b.value === value) + 1
    }, outcome)
    if (nth === 0) throw new Error(`no reason "${outcome}"`)
    if (nth > 1) await this.strikes(String(nth))
    await this.arrives(() => this.strikes('Enter'))
  }

  // fills goes to a field by Enter and types there.
  async fills(name, text) {
    await this.leads(name)
    this.strokes += text.length
    await this.page.keyboard.type(text)
  }

  async leads(name) {
    for (let presses = 0; (await this.at()) !== name; presses++) {
      if (presses > 20) throw new Error(`Enter never leads to "${name}"`)
      await this.strikes('Enter')
    }
  }

  async strikes(key) {
    this.strokes += key.split('+').length
    await this.page.keyboard.press(key)
  }

  async arrives(act) {
    await Promise.all([this.page.waitForEvent('load', { timeout: 60_000 }), act()])
  }

  // at is the name of the field that has the focus.
  at = () => this.page.evaluate(() => document.activeElement.name ?? '')
  isText = () => this.page.evaluate(() => document.activeElement.matches('input:not([type=radio], [type=checkbox])'))

  async is(name) {
    await this.page.waitForFunction((name) => document.activeElement.name === name, name).catch(async () => {
      throw new Error(`the focus is on "${await this.at()}", not on "${name}"`)
    })
  }
}

// envelopes puts right what was said of an envelope: the third form of the stack was in the first one after all.
async function envelopes(visitor) {
  await visitor.check({ as: 'batch' })
  const row = visitor.page.locator('tr', { hasText: 'stack.pdf' }).last()
  await visitor.press(row.getByRole('link'))
  await visitor.check({ as: 'piece-in-the-books' })
  await answer(visitor, { form: 'form[action$="/envelope"]', wrong: [{ envelope: 'one' }], right: { envelope: '1' }, stays: true })
  await says(visitor, 'The piece is in that envelope now.')
}

// supervises looks at what a supervisor sees.
async function supervises(visitor) {
  await visitor.open(home)
  await follow(visitor, 'For supervisors', { as: 'supervise' })
}

// letters are what somebody has to write: to whoever has a form that is held, and to whoever gets their post back.
async function letters(visitor) {
  const { page } = visitor
  await visitor.open(home)
  await follow(visitor, 'Letters', { as: 'letters' })
  await visitor.press(page.locator('td a[href$="/letter"]').first())
  await visitor.check({ as: 'letter-back' })
  await visitor.open(`${home}/letters`)
  await visitor.press(page.locator('td a[href^="/mailroom/forms/"]').first())
  await visitor.check({ as: 'held' })
  const held = new URL(page.url()).pathname
  await follow(visitor, 'See the letter', { as: 'letter-held' })
  await visitor.open(held)
  await follow(visitor, 'Record that the person was written to')
  await answer(visitor, { wrong: [{}], right: { how: 'post' } })
  await visitor.check({ as: 'letters-wrote' })
  await visitor.open(`${held}/supersede`)
  await visitor.check({ as: 'supersede' })
  await visitor.open(`${held}/release`)
  await visitor.check({ as: 'release' })
}

// paper is found by the reference of a batch.
async function paper(visitor, batch) {
  await find(visitor, `${home}/find`, 'nowhere', { status: 422, error: true, as: 'find-nowhere' })
  await find(visitor, `${home}/find`, batch, { as: 'find' })
  await says(visitor, '2026-B-17')
}

// three takes three envelopes through the mailroom where no scripts run: each file has a form of its own, and each field is
// reached by Tab.
async function three(visitor, { scans }) {
  const files = ['photograph.jpg', 'other-form.png', 'blank.pdf'].map((name) => scans[visitor.mode].find((f) => f.name === name))
  await signIn(visitor, 'clerk', home)
  const batch = await opens(visitor, 3)
  await sends(visitor, files)
  await allRead(visitor, batch)
  const said = [
    async () => {
      await fillsIn(visitor, files[0].forms[0])
      await visitor.press(visitor.page.locator('#register'))
    },
    () => chooses(visitor, 'back', 'back-type-1'),
    () => chooses(visitor, 'other', 'other-blank'),
  ]
  await visitor.open(`${home}/desk?batch=${batch}`)
  await visitor.check({ as: 'desk' })
  await push(visitor, 'Next piece', { as: 'piece' })
  while (visitor.name === 'piece') {
    const envelope = Number((await visitor.page.locator('.app-head p').first().innerText()).match(/envelope (\d+)/)[1])
    const began = Date.now()
    await said[envelope - 1]()
    visitor.report({ page: 'piece', piece: `envelope ${envelope}`, took: Date.now() - began })
  }
  await visitor.check({ as: 'desk-done' })
  const supervisor = await visitor.colleague()
  await signIn(supervisor, 'supervisor', home)
  await supervisor.open(`${home}/desk?batch=${batch}&stage=S`)
  await push(supervisor, 'Next piece to key once more', { as: 'piece-once-more' })
  await fillsIn(supervisor, files[0].forms[0], ['want', 'nhs-number', 'birth-date-day', 'birth-date-month', 'birth-date-year'])
  await supervisor.press(supervisor.page.locator('#register'))
  await supervisor.check({ as: 'desk-registered' })
  await supervisor.leave()
  await visitor.open(`${home}/batches/${batch}`)
  await push(visitor, 'Close the batch', { as: 'batch-closed' })
  await signOut(visitor, home)
}

// fillsIn fills in what stands on a form, all of it or some of its fields.
async function fillsIn(visitor, f, only) {
  const { page, hand } = visitor
  await hand.choose(page.locator('[name=want]').nth(f.choice - 1))
  const typed = { forenames: f.forenames, surname: f.surname, 'nhs-number': f.number, 'line-1': f.address[0], 'line-3': f.address[2], postcode: f.postcode, practice: 'A81001' }
  for (const [n, part] of ['day', 'month', 'year'].entries()) {
    typed[`birth-date-${part}`] = String(f.born[n])
    typed[`signed-on-${part}`] = String(f.signed[n])
  }
  for (const [name, text] of Object.entries(typed)) if (!only || only.includes(name)) await hand.fill(page.locator(`[name="${name}"]`), text)
}

// chooses gives an outcome that needs a reason, out of its menu.
async function chooses(visitor, menu, outcome) {
  const { page, hand } = visitor
  await hand.press(page.locator(`#${menu} summary`))
  await visitor.press(page.locator(`button[value="${outcome}"]`))
}

// visits goes to every page of the mailroom, with a small batch of its own.
async function visits(visitor, { scans }) {
  const file = (name) => scans[visitor.mode].find((f) => f.name === name)
  const files = [file('photograph.jpg'), file('notes.pdf'), file('other-form.png')]
  await refused(visitor)
  await signIn(visitor, 'supervisor', home)
  await visitor.check({ as: 'home' })
  await visitor.open(`${home}?list=closed`)
  await visitor.check({ as: 'home-closed' })
  const batch = await opens(visitor, 3)
  const at = `${home}/batches/${batch}`
  await follow(visitor, 'Print the header sheet', { as: 'header-sheet' })
  await visitor.open(at)
  await sends(visitor, files)
  await allRead(visitor, batch)
  await visitor.check({ as: 'batch-stuck' })
  await says(visitor, 'The file is no PDF, JPEG, PNG or TIFF')

  // A form that is held, and goes on; one that goes back.
  await visitor.open(`${home}/desk?batch=${batch}`)
  await visitor.check({ as: 'desk' })
  await visitor.press(visitor.page.getByRole('button', { name: 'Next piece', exact: true }))
  const piece = new URL(visitor.page.url()).pathname
  await visitor.page.locator('#paper img').first().evaluate((img) => img.decode())
  await visitor.check({ as: 'piece' })
  await visitor.press(visitor.page.locator('#register'))
  await visitor.check({ status: 422, error: true, as: 'piece-error' })
  await taken(visitor, piece)
  const [shown] = await visitor.page.locator('.app-head p').allInnerTexts()
  const held = file(shown.match(/“(.*)”/)[1]).forms[0]
  await fillsIn(visitor, held)
  await chooses(visitor, 'hold', 'hold-signature')
  await visitor.check({ as: 'piece-after' })
  await chooses(visitor, 'back', 'back-type-1')
  await visitor.check({ as: 'desk-done' })
  await checked(visitor, batch, held)
  await visitor.open(piece)
  await visitor.check({ as: 'piece-stands' })
  await letters(visitor)

  await visitor.open(at)
  await visitor.press(visitor.page.getByRole('link', { name: 'notes.pdf' }).last())
  await visitor.check({ as: 'piece-quarantined' })
  await push(visitor, 'I have dealt with the paper', { as: 'piece-settled' })
  await visitor.open(`${at}/recount`)
  await answer(visitor, { wrong: [{ envelopes: 'few' }], right: { envelopes: '4', why: 'found' } })
  await visitor.check({ as: 'batch-recounted' })
  await visitor.open(`${at}/hand`)
  await answer(visitor, { wrong: [{}], right: { envelope: '4', what: 'other-post empty-envelope' } })
  await push(visitor, 'Close the batch', { as: 'batch-closed' })
  await visitor.open(`${at}/files`)
  await visitor.check({ as: 'files-closed' })
  await visitor.open(`${home}?list=closed`)
  await visitor.check({ as: 'home-closed-some' })
  await visitor.open(`${at}/reopen`)
  await visitor.check({ as: 'reopen' })
  await push(visitor, 'Open it again')
  await visitor.check({ as: 'batch-reopened' })
  await supervises(visitor)
  await paper(visitor, batch)
  await visitor.open(`${home}/desk/practices?q=Densham`)
  await visitor.check({ as: 'practices' })
  await visitor.open(`${home}/batches/AAAA-AAAA-AAAA-AAAA-A`)
  await visitor.check({ status: 404, as: 'no-such-batch' })
  await signOut(visitor, home)
}

// checked is a batch whose doubtful form a colleague reads, too, and whose finished post they read otherwise: the supervisor says
// that there is no other one, and which is right.
async function checked(visitor, batch, held) {
  const clerk = await visitor.colleague()
  await signIn(clerk, 'clerk', home)
  await clerk.open(`${home}/desk?batch=${batch}&stage=S`)
  await push(clerk, 'Next piece to key once more', { as: 'piece-in-doubt' })
  await fillsIn(clerk, held, ['want', 'nhs-number', 'birth-date-day', 'birth-date-month', 'birth-date-year'])
  await chooses(clerk, 'hold', 'hold-signature')
  await clerk.open(`${home}/desk?batch=${batch}&stage=Q`)
  await push(clerk, 'Next piece to check', { as: 'piece-to-check' })
  await chooses(clerk, 'other', 'other-blank')
  await says(clerk, 'What you read is recorded.')
  await clerk.leave()
  await supervises(visitor)
  await visitor.press(visitor.page.locator(`td a[href^="${home}/batches/${batch}/"][href$="/judge"]`))
  await visitor.check({ as: 'judge-own' })
  await push(visitor, 'There is no other supervisor: I decide', { as: 'judge' })
  await answer(visitor, { wrong: [{}, { 'right-outcome': 'again' }], right: { 'right-outcome': 'again', done: 'sender' } })
  await visitor.check({ as: 'piece-judged' })
}

// refused are those who may not be there: a clerk where supervisors are, and somebody of a practice.
async function refused(visitor) {
  const clerk = await visitor.colleague()
  await signIn(clerk, 'clerk', home)
  await clerk.open(`${home}/supervise`)
  await clerk.check({ status: 403, as: 'for-supervisors' })
  await clerk.leave()
  const manager = await visitor.colleague()
  await signIn(manager, 'manager', home)
  await manager.check({ status: 403, as: 'not-for-you' })
  await manager.leave()
}

// taken is a piece that somebody else has before them.
async function taken(visitor, piece) {
  const clerk = await visitor.colleague()
  await signIn(clerk, 'clerk', home)
  await clerk.open(piece)
  await clerk.check({ as: 'piece-taken' })
  await says(clerk, 'Somebody else has this piece before them')
  await clerk.leave()
}

export const mailroom = { ten, three, mailroom: visits }
