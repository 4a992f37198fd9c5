// The walker answers whatever page it is on, wrongly first, until it comes to the page it was sent to.

export async function begin(visitor) {
  await visitor.open('/')
  await visitor.check()
  await visitor.press(visitor.page.locator('main form[action^="/form"] button').first())
}

// walk goes on from the page it is on to the one of that name.
export async function walk(visitor, answers, end) {
  for (let steps = 0; visitor.name !== end; steps++) {
    if (steps > 50) throw new Error(`after ${steps} pages there is still no end`)
    await step(visitor, answers)
  }
}

// step answers one page.
export async function step(visitor, answers) {
  const page = visitor.name
  if (!(page in answers)) throw new Error(`nobody said what to answer on the page "${page}"`)
  await visitor.check()
  await answer(visitor, answers[page])
}

// answer gives the wrong answers first, each of which must be refused, and kept, and then the right one. An answer that
// is refused with another status than 422 is given with it, in a list of two. `form` is where to answer, if the page has
// several.
export async function answer(visitor, { right, wrong = [], search, stays = false, form }) {
  const page = visitor.name
  const formOf = (parts) => (form ? visitor.page.locator(form) : formFor(visitor, parts, search))
  for (const [said, status] of wrong.map((w) => (Array.isArray(w) ? w : [w, 422]))) {
    const there = await formOf(right)
    const chosen = (await there.locator('[type=radio][checked]').count()) > 0
    if (chosen && parts(said).length === 0) continue // an answer was given for the person: there is none to forget
    await give(visitor, there, said)
    if (visitor.name !== page && !form) throw new Error(`"${page}" takes ${JSON.stringify(said)} for an answer`)
    await visitor.check({ status, error: true })
    await kept(visitor, said)
    await followError(visitor)
  }
  await give(visitor, await formOf(right), right)
  if (!stays && visitor.name === page) throw new Error(`"${page}" does not take ${JSON.stringify(right)} for an answer`)
}

// give fills an answer into a form and sends it.
async function give(visitor, form, answer) {
  for (const part of parts(answer)) {
    const option = optionOf(form, part)
    if ((await option.count()) > 0) await visitor.hand.choose(option)
    else await visitor.hand.fill(form.locator(`[name="${part.name}"]:not([type=radio], [type=checkbox])`), part.value)
  }
  await visitor.press(buttonOf(form))
}

export const buttonOf = (form) => form.locator('button:not([type=button])').first()

// formFor is the form in which an answer can be given, after a search if it takes one to be offered it.
async function formFor(visitor, answer, search) {
  const { page } = visitor
  const [part] = parts(answer)
  const forms = page.locator('main form')
  if (!part) return forms.and(page.locator('[method="post"]')).first()
  const isOffered = async () => (await optionOf(page, part).count()) > 0
  if (search && !(await isOffered())) {
    await give(visitor, await formFor(visitor, search), search)
    await visitor.check()
    if (!(await isOffered())) throw new Error(`does not offer ${JSON.stringify(answer)} to who searches for ${JSON.stringify(search)}`)
  }
  return forms.filter({ has: page.locator(`[name="${part.name}"]`) }).first()
}

// parts are the controls of an answer, each with what is said there.
const parts = (answer) => Object.entries(answer).flatMap(([name, value]) => [value].flat().map((v) => ({ name, value: v })))

// optionOf finds the radio or checkbox of a value, if the field is made of such.
function optionOf(form, { name, value }) {
  const options = form.locator(`[type=radio][name="${name}"], [type=checkbox][name="${name}"]`)
  return (value === true ? options : options.and(form.locator(`[value="${value}"]`))).first()
}

// kept holds a page that refuses an answer to showing it again.
async function kept(visitor, answer) {
  const main = visitor.page.locator('main')
  for (const part of parts(answer)) {
    const option = optionOf(main, part)
    const isKept = (await option.count()) > 0 ? await option.isChecked() : (await main.locator(`[name="${part.name}"]`).inputValue()) === part.value
    if (!isKept) visitor.fail(`does not keep what was said of "${part.name}"`)
  }
}

// followError goes from the summary to the field that is wrong.
async function followError(visitor) {
  const link = visitor.page.locator('.nhsuk-error-summary a').first()
  if ((await link.count()) === 0) return
  await visitor.hand.press(link)
  const there = await link.evaluate((a) => document.activeElement.id === a.hash.slice(1))
  if (!there) visitor.fail(`its error summary does not lead to ${await link.getAttribute('href')}`)
}
