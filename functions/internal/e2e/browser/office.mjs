// The walk of somebody at the office: forms that no practice has, practices that cannot be told, and the telephone.
import { collect } from './practice.mjs'
import { act, find, follow, push, register, says, signIn, signOut, silent, today } from './staff.mjs'
import { answer } from './walker.mjs'

const list = '/office'

// clerk, who is a supervisor too, works through the office's list, once a practice has returned what is on it.
async function clerk(visitor, { forms }) {
  const [doubted, died, nowhere] = forms[visitor.mode]
  await signIn(visitor, 'manager', '/practice')
  for (const [form, reason] of [
    [doubted, 'OTHER'],
    [died, 'DECEASED'],
  ]) {
    await collect(visitor, form)
    await act(visitor, 'Return it', { right: { reason, text: 'As her daughter says.' } })
  }
  await signOut(visitor, '/practice')

  await signIn(visitor, 'supervisor', list)
  await visitor.check({ as: 'office' })
  for (const { surname } of forms[visitor.mode]) await silent(visitor, surname)
  for (const only of [/^Find a practice/, /^Answer the person/, /^Confirm a death/, /^Practices that act late/]) await follow(visitor, only)
  await follow(visitor, /^Ended without a practice/)
  await find(visitor, list, 'nowhere', { status: 422, error: true, as: 'office-not-found' })

  // One that names no practice.
  await find(visitor, list, nowhere.reference)
  await says(visitor, nowhere.surname)
  await follow(visitor, 'Who has looked at this form')
  await follow(visitor, 'Back')
  await follow(visitor, 'Find a practice')
  await search(visitor, 'no practice is called that')
  await push(visitor, 'Give the form to this practice', { status: 422, error: true })
  await search(visitor, 'Densham')
  await visitor.hand.choose(visitor.page.locator('[name=practice][value=A81001]'))
  await push(visitor, 'Give the form to this practice')

  // One that a practice returned to the office: it ends, and opens again.
  await find(visitor, list, doubted.reference, { as: 'returned' })
  await act(visitor, 'Add or correct the NHS number', { right: { number: doubted.number }, wrong: [{ number: '' }, { number: '943 476 5918' }] })
  await visitor.check()
  await act(visitor, 'Answer the person', { right: { ...today('told'), text: 'It cannot be read. By post.' }, wrong: [{}, { 'told-day': '40', 'told-month': '1', 'told-year': '2026' }] })
  await visitor.check()
  await find(visitor, list, doubted.reference, { as: 'answered' })
  await act(visitor, 'Open it again on a complaint', { right: { text: 'She had typed it.' }, wrong: [{}] })
  await visitor.check()

  await find(visitor, list, died.reference)
  await act(visitor, 'Confirm that the person has died', { right: { sure: 'yes', text: 'The practice saw the certificate.' }, wrong: [{}] })
  await visitor.check()

  await register(visitor, 'Telephone request', { practice: 'A81001' })
  await practices(visitor)
  await visitor.open(`${list}/forms/AAAA-AAAA-AAAA-AAAA-A`)
  await visitor.check({ status: 404, as: 'no-such-form' })
  await visitor.open(list)
  await signOut(visitor, list)
}

// search looks for practices on the page of a form.
async function search(visitor, what) {
  await visitor.hand.fill(visitor.page.locator('[name=q]'), what)
  await push(visitor, 'Search')
}

// practices are found, written to, and reached otherwise.
async function practices(visitor) {
  await follow(visitor, 'Practices')
  await search(visitor, 'Densham')
  await follow(visitor, /A81001/)
  await answer(visitor, { form: 'form[action$="/email"]', stays: true, wrong: [{ email: 'Forms <forms@densham.example>' }], right: { email: 'forms@densham.example' } })
  await visitor.check()
  await answer(visitor, { form: 'form[action$="/chase"]', stays: true, wrong: [{}], right: { how: 'phone', ...today('on') } })
  await visitor.check()
}

export const office = { clerk }
