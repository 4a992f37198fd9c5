// The walks of people who work at a practice: a day at its inbox.
import { answer, buttonOf } from './walker.mjs'
import { act, find, follow, push, register, says, signIn, signOut, silent, today } from './staff.mjs'

const inbox = '/practice'

const open = (visitor, reference, as) => find(visitor, inbox, reference, { as })

// collect opens a form that nobody has collected: it shows nothing of the person before, and everything after.
export async function collect(visitor, { reference, surname }) {
  await open(visitor, reference, 'waiting')
  await silent(visitor, surname)
  await push(visitor, 'Collect this form', { as: 'form' })
  await says(visitor, surname)
  await visitor.page.reload()
  await says(visitor, surname)
}

const applied = (code) => ({ right: { code, told: 'no' } })

// manager works through the practice's inbox, with every mistake on the way.
async function manager(visitor, { forms }) {
  const [first, doubtful, taken, later, other] = forms[visitor.mode]
  await signIn(visitor, 'manager', inbox)
  await visitor.check({ as: 'inbox' })
  for (const { surname } of forms[visitor.mode]) await silent(visitor, surname)
  for (const only of [/^Overdue/, /^New/, /^To decide/]) await follow(visitor, only)
  for (const list of [/^Applied, not checked yet/, /^Finished/, /^To do/]) await follow(visitor, list)
  await find(visitor, inbox, 'nowhere', { status: 422, error: true, as: 'inbox-not-found' })

  // A form that is applied, by mistake, and applied again.
  await collect(visitor, first)
  await copies(visitor, '9Ndo.')
  await push(visitor, 'Let colleagues work on it')
  await push(visitor, 'Keep it to yourself for 30 minutes')
  await follow(visitor, 'Print it')
  await says(visitor, first.surname)
  await follow(visitor, 'Back to the form')
  const day = today('on')
  await act(visitor, 'Say that it is applied', {
    ...applied('9Ndo.'),
    wrong: [{}, { 'on-day': '', code: '9Ndo.', told: 'no' }, { ...day, code: 'other', 'other-code': '9Ndn.' }, { 'other-code': 'nonsense' }, { number: '943 476 5918' }],
    right: { code: 'XaXj6', 'other-code': '', number: first.number, told: 'no' },
  })
  await visitor.check({ as: 'inbox-applied' })
  await says(visitor, 'you applied the form')
  await follow(visitor, /^Applied, not checked yet/, { as: 'applied' })
  await follow(visitor, first.reference)
  await act(visitor, 'Take back that it is applied', { right: { text: 'It was the neighbour’s.' } })
  await visitor.check()
  await act(visitor, 'Say that it is applied', applied('9Ndo.'))

  // One that is returned, and decided after all.
  await collect(visitor, doubtful)
  await act(visitor, 'Correct the NHS number', { right: { number: doubtful.number }, wrong: [{ number: '' }, { number: '943 476 5918' }] })
  await visitor.check()
  await act(visitor, 'Return it', { right: { reason: 'IDENTITY_NOT_VERIFIED' }, wrong: [{}, { reason: 'OTHER' }] })
  await visitor.check()
  await open(visitor, doubtful.reference)
  await act(visitor, 'Decide', {
    right: { outcome: 'keep', text: 'We know them.' },
    wrong: [{}, { outcome: 'refuse' }, [{ outcome: 'refuse', text: 'We know nobody of that name.' }, 409]],
  })
  await visitor.check()
  await says(visitor, 'Your decision is recorded')

  // One that the person has taken back.
  await collect(visitor, taken)
  await act(visitor, 'Return it', { right: { reason: 'WITHDRAWN_BY_PERSON' } })
  await open(visitor, taken.reference)
  await act(visitor, 'Record how it was taken back', { right: { how: 'phone', ...today('on'), to: 'Tom Reed' }, wrong: [{}, { how: 'phone', ...today('on'), 'on-day': '40' }] })
  await visitor.check()

  // A later form of the first person: side by side, and applied in place of the first.
  await collect(visitor, later)
  await says(visitor, first.reference)
  await visitor.check({ as: 'beside' })
  await act(visitor, 'Say that it is applied', {
    wrong: [[{ code: '9Ndn.', told: 'no' }, 409]],
    right: { code: '9Ndn.', told: 'yes', replaces: first.reference, asked: 'yes' },
  })
  await visitor.check()

  // One that goes back for colleagues.
  await collect(visitor, other)
  await push(visitor, 'Put it back for others')

  await register(visitor, 'Register a form', {})
  await settings(visitor)
  await visitor.open(`${inbox}/forms/AAAA-AAAA-AAAA-AAAA-A`)
  await visitor.check({ status: 404, as: 'not-on-your-list' })
  await visitor.open(inbox)
  await signOut(visitor, inbox)
}

// copies takes a code to the clipboard, as it goes into another system.
async function copies(visitor, code) {
  const copy = visitor.page.locator(`[data-copy="${code}"]`)
  if (!visitor.settings.scripts) {
    if (await copy.isVisible()) visitor.fail('shows a button that does nothing without scripts')
    return
  }
  await visitor.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await visitor.hand.press(copy)
  await visitor.page.getByText('Copied').first().waitFor()
}

// settings record what the practice decided and where it is told.
async function settings(visitor) {
  await follow(visitor, 'Your practice')
  await answer(visitor, { form: 'form[action$="/email"]', stays: true, wrong: [{ email: 'Forms <forms@densham.example>' }], right: { email: 'forms@densham.example' } })
  await visitor.check()
  await answer(visitor, {
    form: 'form[action$="/decision"]',
    stays: true,
    wrong: [{ ...today('on'), 'on-day': '40' }],
    right: { stand: 'take-part', ...today('on'), words: 'The partners agreed.' },
  })
  await visitor.check()
  await says(visitor, 'The partners agreed.')
}

// colleagues work at one practice: what one has is not the other's meanwhile, and a clinician decides.
async function colleagues(visitor, { forms }) {
  const { reference, surname } = forms[visitor.mode][5]
  await signIn(visitor, 'manager', inbox)
  await collect(visitor, { reference, surname })
  await signOut(visitor, inbox)
  await signIn(visitor, 'clinician', inbox)
  await open(visitor, reference, 'held')
  await says(visitor, 'You can look, and do nothing')
  await signOut(visitor, inbox)
  await signIn(visitor, 'manager', inbox)
  await open(visitor, reference)
  await act(visitor, 'Return it', { right: { reason: 'SAFEGUARDING', text: 'Somebody stood beside her.' } })
  await signOut(visitor, inbox)
  await signIn(visitor, 'clinician', inbox)
  await open(visitor, reference)
  await act(visitor, 'Decide', { right: { outcome: 'refuse', unsafe: 'yes', text: 'Telling her may harm.' }, wrong: [{}, [{ outcome: 'refuse', text: 'Telling her may harm.' }, 409]] })
  await visitor.check()
  await signOut(visitor, inbox)
}

// lists proves what was applied with the practice's own list: one that is none of ours, and then the right one.
async function lists(visitor, { forms }) {
  const { reference, surname, number } = forms[visitor.mode][6]
  await signIn(visitor, 'manager', inbox)
  await collect(visitor, { reference, surname })
  await act(visitor, 'Say that it is applied', applied('9Ndo.'))
  await follow(visitor, 'Your list')
  await answer(visitor, { right: run(), wrong: [{}, { ...run(), time: '25:00' }, { ...run(), 'run-year': '2999' }] })
  await upload(visitor, 'Name,Address\nAda,1 Lawson Street\n')
  await visitor.check({ as: 'list-refused' })
  await follow(visitor, 'Send a list')
  await proves(visitor, number)
  await signOut(visitor, inbox)
}

// proves sends a list in which a number is coded, from the page that asks when it was run, until it is read. It is refused in
// the minute in which the form was applied, for it may have been run before; and if others at the practice sent one meanwhile
// that says it was run a minute later.
async function proves(visitor, number) {
  for (let sends = 1; ; sends++) {
    const asked = (await visitor.page.locator('[name=sure]').count()) > 0 // only where the last list showed none of the forms
    await answer(visitor, { right: { ...run(), sure: asked ? 'yes' : [] } })
    await upload(visitor, `NHS number,Code,Date\n${number},9Ndo.,\n943 476 5918,9Ndo.,\n999 999 9999,none,\n`)
    if (!/not used/i.test(await visitor.page.title())) break
    if (sends > 20) throw new Error('the list is refused again and again')
    await visitor.check()
    await follow(visitor, 'Send a list')
  }
  await visitor.check({ as: 'list-read' })
  await says(visitor, 'Every row of your list')
  await silent(visitor, number)
  await follow(visitor, 'Back', { as: 'lists' })
}

// run is this minute in England, as a list's. Its day and its time are those of one moment: midnight may lie between two.
function run() {
  const now = new Date()
  return { ...today('run', now), time: new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', hour: '2-digit', minute: '2-digit' }).format(now) }
}

// upload sends a file to the bucket, from which the browser comes back, and waits until it is read.
async function upload(visitor, text) {
  const { page } = visitor
  await visitor.check({ as: 'list-send' })
  const form = page.locator('form[enctype]')
  visitor.hosts.push(new URL(await form.getAttribute('action')).host)
  await form.locator('[type=file]').setInputFiles({ name: 'list.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })
  await visitor.press(buttonOf(form))
  const again = page.getByRole('link', { name: 'Look again' })
  const end = Date.now() + 300_000 // it may have to wait for others of the practice, a minute each; quick machines look often
  for (let looks = 0; (await again.count()) > 0; looks++) {
    if (Date.now() > end) throw new Error('the list is never read')
    if (looks === 0) await visitor.check({ as: 'list-waits' })
    await visitor.press(again)
  }
}

// locum works for several practices: one has to be chosen, and can be changed.
async function locum(visitor) {
  await signIn(visitor, 'locum', inbox)
  await visitor.check({ as: 'choose' })
  await answer(visitor, { form: 'main form', stays: true, wrong: [{}], right: { practice: 'A81002' } })
  await visitor.check()
  await follow(visitor, /: change$/, { as: 'change' })
  await answer(visitor, { right: { practice: 'A81001' } })
  await visitor.check()
  await signOut(visitor, inbox)
}

// paging goes through an inbox that is longer than a page, and back.
async function paging(visitor) {
  await signIn(visitor, 'neighbour', inbox)
  await visitor.check({ as: 'long' })
  const before = await visitor.page.locator('tbody tr').count()
  await follow(visitor, 'Next page')
  const after = await visitor.page.locator('tbody tr').count()
  if (before !== 100 || after === 0) visitor.fail(`shows ${before} forms, and ${after} on the next page`)
  await follow(visitor, 'Back to the beginning of the list')
}

// visits sees every page of the practice once, in a way of using pages in which its day is not walked with all its mistakes.
async function visits(visitor, { forms }) {
  const [first, doubtful, taken, later] = forms[visitor.mode]
  await signIn(visitor, 'manager', inbox)
  await visitor.check({ as: 'inbox' })
  for (const list of [/^Overdue/, /^Finished/, /^To do/]) await follow(visitor, list)
  await find(visitor, inbox, 'nowhere', { status: 422, error: true, as: 'inbox-not-found' })

  await collect(visitor, first)
  await copies(visitor, '9Ndo.')
  await follow(visitor, 'Print it')
  await follow(visitor, 'Back to the form')
  await act(visitor, 'Say that it is applied', { ...applied('9Ndo.'), wrong: [{}] })
  await follow(visitor, /^Applied, not checked yet/, { as: 'applied' })
  await follow(visitor, first.reference)
  await follow(visitor, 'Take back that it is applied')

  await collect(visitor, doubtful)
  await follow(visitor, 'Correct the NHS number')
  await open(visitor, doubtful.reference)
  await act(visitor, 'Return it', { right: { reason: 'IDENTITY_NOT_VERIFIED' }, wrong: [{}] })
  await open(visitor, doubtful.reference)
  await act(visitor, 'Decide', { right: { outcome: 'keep', text: 'We know them.' }, wrong: [{}, [{ outcome: 'refuse', text: 'We know nobody of that name.' }, 409]] })
  await visitor.check()

  await collect(visitor, taken)
  await act(visitor, 'Return it', { right: { reason: 'WITHDRAWN_BY_PERSON' } })
  await open(visitor, taken.reference)
  await follow(visitor, 'Record how it was taken back')

  await collect(visitor, later)
  await visitor.check({ as: 'beside' })
  await follow(visitor, 'Say that it is applied')

  await register(visitor, 'Register a form', {}, 'once')
  await follow(visitor, 'Your practice')
  await answer(visitor, { form: 'form[action$="/email"]', stays: true, wrong: [{ email: 'Forms <forms@densham.example>' }], right: { email: 'forms@densham.example' } })
  await visitor.check()
  await follow(visitor, 'Your list')
  await proves(visitor, first.number)
  await visitor.open(`${inbox}/forms/AAAA-AAAA-AAAA-AAAA-A`)
  await visitor.check({ status: 404, as: 'not-on-your-list' })
  await visitor.open(inbox)
  await signOut(visitor, inbox)

  await signIn(visitor, 'clinician', inbox)
  await open(visitor, later.reference, 'held')
  await says(visitor, 'You can look, and do nothing')
  await signOut(visitor, inbox)
}

export const practice = { manager, colleagues, lists, locum, paging, practice: visits }
