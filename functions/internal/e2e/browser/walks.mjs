// The walks: what a person does from beginning to end, and what must be true on the way.
import * as people from './answers.mjs'
import { begin, buttonOf, step, walk } from './walker.mjs'

const pages = ['/', '/elsewhere', '/privacy', '/accessibility', '/cookies', '/status']

// read looks at all that can be read without a form, or at the pages it is given. None of it needs a cookie.
async function read(visitor, { paths = pages }) {
  const links = new Set()
  for (const path of paths) {
    await visitor.open(path)
    await visitor.check()
    for (const href of await visitor.page.locator('a[href^="/"]').evaluateAll((all) => all.map((a) => a.href))) links.add(href.split('#')[0])
  }
  for (const link of links) {
    const answer = await visitor.context.request.get(link)
    if (!answer.ok()) visitor.fail(`a link leads to ${link}, which answers ${answer.status()}`)
  }
  const cookies = await visitor.context.cookies()
  if (cookies.length > 0) visitor.fail(`sets cookies before anything is begun: ${cookies.map((c) => c.name).join(', ')}`)
}

// weight is what the first page costs somebody who was never here, with all it needs.
async function weight(visitor) {
  let [bytes, requests] = [0, 0]
  await visitor.devtools.send('Network.enable')
  visitor.devtools.on('Network.loadingFinished', (loaded) => {
    bytes += loaded.encodedDataLength
    requests++
  })
  await visitor.page.goto('/', { waitUntil: 'networkidle' })
  visitor.report({ page: visitor.name, bytes, requests })
}

// journey goes the whole way: a form is sent, sent again, and asked after.
const journey = (answers) => async (visitor) => {
  await begin(visitor)
  await walk(visitor, answers, 'check')
  await visitor.check()
  const reference = await send(visitor)
  await ask(visitor, reference, answers['birth-date'].right)
}

// send sends the form twice, from two tabs, and looks at the receipt in every way in which people come back to it.
async function send(visitor) {
  const { page } = visitor
  const second = await visitor.tab()
  await second.open(page.url())

  await visitor.hand.send(buttonOf(page.locator('main form[method="post"]')))
  await arrived(page, '/sent')
  await visitor.check()
  if ((await page.locator('.nhsuk-panel').count()) !== 1) visitor.fail('shows no panel')
  const reference = await referenceOf(visitor)
  await page.reload()
  if ((await referenceOf(visitor)) !== reference) visitor.fail(`shows another reference when it is loaded again`)
  await page.goBack()
  await visitor.check()
  if (!(await visitor.text()).includes(reference)) visitor.fail(`does not show the reference ${reference} to somebody who goes back`)

  await second.press(buttonOf(second.page.locator('main form[method="post"]')))
  await second.check()
  const told = await second.text()
  if (!told.includes(reference)) second.fail(`does not show the reference ${reference} to somebody who sends again`)
  if ((await second.english()) && !/already/i.test(told)) second.fail('does not say that the form was sent already')
  await second.page.close()
  return reference
}

// arrived waits for a page. Of two clicks the second overtakes what the first began to load.
async function arrived(page, end) {
  for (let overtaken = 0; ; overtaken++) {
    try {
      await page.waitForURL((address) => address.pathname.endsWith(end))
      return await page.waitForLoadState()
    } catch (e) {
      if (overtaken === 2 || !e.message.includes('ERR_ABORTED')) throw e
    }
  }
}

async function referenceOf(visitor) {
  const reference = (await visitor.page.locator('#reference').innerText()).trim()
  if (!reference) visitor.fail('shows no reference')
  return reference
}

// ask asks what became of a form, and begins to change one's mind.
async function ask(visitor, reference, birth) {
  await visitor.open('/status')
  await step(visitor, { status: { right: { reference, ...birth }, wrong: [{}, { reference }], stays: true } })
  await visitor.check()
  const told = await visitor.text()
  if ((await visitor.english()) && !/received|dealt with/i.test(told)) visitor.fail(`says no step in words:\n${told}`)
  const further = visitor.page.locator('main form[action^="/form"]')
  if ((await further.count()) < 2) return visitor.fail('does not offer "I did not ask for this" and "I have changed my mind"')
  await visitor.press(buttonOf(further.last()))
  await visitor.check()
}

// tabs fills in forms for two children at the same time, in two tabs, question by question.
async function tabs(visitor) {
  const tab = [
    { visitor, answers: people.child },
    { visitor: await visitor.tab(), answers: people.sibling },
  ]
  for (const t of tab) await begin(t.visitor)
  for (let steps = 0; tab.some((t) => t.visitor.name !== 'check'); steps++) {
    if (steps > 50) throw new Error('two tabs come to no end')
    for (const t of tab) if (t.visitor.name !== 'check') await step(t.visitor, t.answers)
  }
  const names = tab.map((t) => t.answers.name.right.forenames)
  for (const [i, t] of tab.entries()) {
    await t.visitor.page.reload()
    const told = await t.visitor.text()
    if (!told.includes(names[i]) || told.includes(names[1 - i])) t.visitor.fail(`mixes two children up:\n${told}`)
  }
  const references = []
  for (const t of tab) {
    await t.visitor.press(buttonOf(t.visitor.page.locator('main form[method="post"]')))
    references.push(await referenceOf(t.visitor))
  }
  if (references[0] === references[1]) visitor.fail('gives two children one reference')
}

// ends goes to the pages on which nothing more can be said: whoever signs must be somebody who may.
async function ends(visitor) {
  for (const [end, answers] of Object.entries(people.ends)) {
    await begin(visitor)
    await walk(visitor, answers, end)
    await visitor.check()
  }
}

// undo sends a form, then takes it back, then says that it was nobody's.
async function undo(visitor) {
  await begin(visitor)
  await walk(visitor, people.straightOn, 'check')
  const reference = await sendNow(visitor)
  for (const which of ['first', 'last']) {
    await visitor.open('/status')
    await step(visitor, { status: { right: { reference, ...people.self['birth-date'].right }, stays: true } })
    await visitor.press(buttonOf(visitor.page.locator('main form[action="/form"]')[which]()))
    await walk(visitor, people.takingBack, 'check')
    await visitor.check()
    if (!(await visitor.text()).includes(reference)) visitor.fail('does not say which form it is about')
    if ((await sendNow(visitor)) === reference) visitor.fail('is no form of its own')
  }
}

// sendNow sends a form, again if it is told that nobody is as quick as that.
async function sendNow(visitor) {
  for (let presses = 0; visitor.name === 'check' && presses < 50; presses++) {
    await visitor.press(buttonOf(visitor.page.locator('main form[action="check"]')))
  }
  await visitor.check()
  return referenceOf(visitor)
}

// lost goes where there is nothing, or nothing any more.
async function lost(visitor) {
  for (const path of ['/nowhere', '/form/aaaaaaaa/choice']) {
    await visitor.open(path)
    await visitor.check({ status: 404 })
  }
}

export const walks = { weight, read, self: journey(people.self), child: journey(people.child), adult: journey(people.adult), ends, undo, lost, tabs }

// once are the walks that have nothing to do with how somebody works a page.
export const once = { weight: 'desktop', tabs: 'desktop' }
