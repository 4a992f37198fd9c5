// What all who work with forms do at their pages, whichever door is theirs.
import { answer, buttonOf } from './walker.mjs'

// signIn opens a page and says at the issuer, which is not ours to judge, who one is.
export async function signIn(visitor, persona, path) {
  await visitor.open(path)
  await visitor.press(visitor.page.locator(`a[href*="persona=${persona}"]`))
}

// signOut leaves by the header, comes back from the issuer, and is let in nowhere any more.
export async function signOut(visitor, path) {
  await visitor.hand.press(visitor.page.locator(`form[action="${path}/sign-out"] button`))
  await visitor.page.waitForURL((address) => address.pathname === `${path}/signed-out`)
  await visitor.page.waitForLoadState()
  await visitor.check()
  const answer = await visitor.context.request.get(path, { maxRedirects: 0 })
  if (answer.status() !== 303 && answer.status() !== 302) visitor.fail(`answers ${answer.status()} to somebody who has signed out`)
}

// follow takes a link by its words, out of the menu where there is no room for all, and judges where it leads.
export async function follow(visitor, words, check) {
  const link = visitor.page.getByRole('link', { name: words, exact: typeof words === 'string' }).first()
  const menu = visitor.page.locator('.nhsuk-header__menu-toggle').first()
  if (!(await link.isVisible()) && (await menu.isVisible())) {
    await visitor.hand.press(menu)
    await link.waitFor()
    await visitor.check({ as: 'menu' })
  }
  await visitor.press(link)
  await visitor.check(check)
}

// push presses a button by its words, and judges what comes of it.
export async function push(visitor, words, check) {
  await visitor.press(visitor.page.getByRole('button', { name: words, exact: true }).first())
  await visitor.check(check)
}

// act goes from a form's page to one of those on which something is done with it, and does it.
export async function act(visitor, words, what) {
  await follow(visitor, words)
  await answer(visitor, what)
}

// find goes to a form by its reference, or to whatever else a list is searched for.
export async function find(visitor, home, what, check) {
  await visitor.open(home)
  const search = visitor.page.locator('form[method="get"]')
  await visitor.hand.fill(search.locator('[name=find]'), what)
  await visitor.press(buttonOf(search))
  await visitor.check(check)
}

// register enters what somebody says, once it is read back to them, and gives the reference; also is what this door asks
// besides. Once: without a mistake, and without a second thought.
export async function register(visitor, words, also, once) {
  await follow(visitor, words)
  await stay(visitor)
  const name = { forenames: 'Ada Wren', surname: 'Quillfeather' }
  const plain = { want: 'dissent', ...name, 'birth-date-day': '31', 'birth-date-year': '1957', signer: 'self' }
  const right = { 'birth-date-month': 'March', 'line-1': '1 Lawson Street', 'line-3': 'Stockton-on-Tees', postcode: 'TS18 1HU', email: 'ada@quillfeather.example', ...also }
  if (once) await answer(visitor, { stays: true, right: { ...plain, ...right, safe: ['email'] } })
  else await answer(visitor, { stays: true, wrong: [{}, { ...plain, 'birth-date-month': '2', safe: ['email'] }], right: { want: 'dissent', signer: 'self', ...right } })
  await visitor.check({ as: 'read-back' })
  await says(visitor, 'Quillfeather')
  if (!once) {
    await push(visitor, 'Change something', { as: 'changed' })
    await answer(visitor, { stays: true, right: { forenames: 'Ada' } })
  }
  await push(visitor, 'The person agrees: register it')
  const reference = (await visitor.page.locator('#reference').innerText()).trim()
  if (!/^\w{4}(-\w{4}){3}-\w$/.test(reference)) visitor.fail(`shows the reference "${reference}"`)
  return reference
}

// stay is warned before the session ends, and stays signed in.
async function stay(visitor) {
  if (!visitor.settings.scripts) return
  const { page } = visitor
  await page.clock.install()
  await page.reload()
  await page.clock.fastForward('13:01')
  const button = page.getByRole('button', { name: 'Stay signed in' })
  await button.waitFor()
  await visitor.check({ as: 'stay' })
  await visitor.hand.press(button)
  await button.waitFor({ state: 'hidden' })
}

// says fails unless the page says something.
export async function says(visitor, words) {
  const told = await visitor.text()
  if (!told.includes(words)) visitor.fail(`does not say "${words}":\n${told}`)
}

// silent fails if it says something that is not to be seen there.
export async function silent(visitor, words) {
  if ((await visitor.page.content()).includes(words)) visitor.fail(`says "${words}"`)
}

// today is the day in England at a moment, as three fields of that name.
export function today(name, at = new Date()) {
  const [day, month, year] = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', day: 'numeric', month: 'numeric', year: 'numeric' })
    .format(at)
    .split('/')
    .map(Number)
  return { [`${name}-day`]: String(day), [`${name}-month`]: String(month), [`${name}-year`]: String(year) }
}
