// A tour of a page by keyboard alone: there and back, and by the skip link.

// seen are the controls whose focus was found to be visible: the header's links are the same on every page.
const seen = new Set()

// toured are the stops of pages that were gone round, without what differs from form to form.
const toured = new Set()

// tour reports what a keyboard does not reach, and where its focus cannot be seen. The same stops are not gone round
// twice.
export async function tour(visitor) {
  const { page } = visitor
  const stops = await page.evaluate(findStops)
  const way = JSON.stringify([visitor.base, stops.map(alike)])
  if (toured.has(way)) return
  toured.add(way)
  const there = await round(visitor, 'Tab', stops, (stop) => look(visitor, stop))
  const back = await round(visitor, 'Shift+Tab', stops, () => {})
  const past = (await page.locator('header').count()) > 0 // there is something to go past
  if (there && back && past) await skip(visitor)
}

// alike is a piece of HTML without the references, numbers and keys in it.
export const alike = (html) => html.replace(/\w{4}(-\w{4}){3}-\w\b|\b[A-Z2-7]{26}\b|type="hidden" name="\S+" value="[^"]*"/g, '').replace(/\d+/g, '0')

// round presses a key until it has been everywhere; false if it never gets there.
async function round(visitor, key, stops, at) {
  const missing = new Set(stops.keys())
  for (let presses = 0; missing.size > 0 && presses < 2 * stops.length + 5; presses++) {
    await visitor.page.keyboard.press(key)
    const stop = await visitor.page.evaluate(() => window.stopOf(document.activeElement))
    if (missing.delete(stop)) await at(stops[stop])
  }
  for (const stop of missing) visitor.fail(`${key} never comes to ${stops[stop]}`)
  return missing.size === 0
}

// findStops finds all that must be reached. Radios of one name are one stop.
function findStops() {
  const stops = []
  const groups = new Map()
  const indices = new Map()
  for (const e of document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')) {
    if (e.disabled || e.type === 'hidden' || !e.checkVisibility({ visibilityProperty: true })) continue
    if (e.tabIndex < 0 && e.closest('[aria-hidden="true"]')) continue // for nobody: a trap for machines
    const group = e.type === 'radio' ? e.name : e
    if (!groups.has(group)) groups.set(group, stops.push(e.outerHTML.slice(0, 200)) - 1)
    indices.set(e, groups.get(group))
  }
  window.stopOf = (e) => indices.get(e)
  return stops
}

// look compares the pixels around the control with and without its focus. The browser brings it to the screen first: of
// what is higher than the screen, a part; of a field of several lines, the one that is typed in.
async function look(visitor, stop) {
  if (seen.has(stop)) return
  const { page } = visitor
  const { width, height } = page.viewportSize()
  const isThere = (height) => {
    const { top, bottom } = document.activeElement.getBoundingClientRect()
    const inPart = bottom - top > height || document.activeElement.matches('textarea')
    return inPart ? top < height && bottom > 0 : top >= -1 && bottom <= height + 1
  }
  try {
    await page.waitForFunction(isThere, height, { timeout: 10_000 })
  } catch {
    visitor.fail(`the focus is off the screen: ${stop}`)
    return
  }
  const box = await page.evaluate(() => document.activeElement.getBoundingClientRect().toJSON())
  const [left, top] = [Math.max(0, box.left - 8), Math.max(0, box.top - 8)]
  const clip = { x: left, y: top, width: Math.min(width, box.right + 8) - left, height: Math.min(height, box.bottom + 8) - top }
  if (clip.width <= 0 || clip.height <= 0) {
    visitor.fail(`the focus is off the screen: ${stop}`)
    return
  }
  const picture = () => page.screenshot({ clip, animations: 'disabled' })
  const focused = await picture()
  await page.evaluate(() => {
    window.focusedLast = document.activeElement
    window.focusedLast.blur()
  })
  const blurred = await picture()
  await page.evaluate(() => window.focusedLast.focus({ preventScroll: true }))
  if (focused.equals(blurred)) visitor.fail(`the focus cannot be seen on ${stop}`)
  else seen.add(stop)
}

// skip goes past the header by the link that is there for it.
async function skip(visitor) {
  const { page } = visitor
  const isSkip = () => page.evaluate(() => document.activeElement.matches('a[href="#maincontent"]'))
  for (let presses = 0; !(await isSkip()); presses++) {
    if (presses > 200) return visitor.fail('has no skip link')
    await page.keyboard.press('Shift+Tab')
  }
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  const past = await page.evaluate(() => {
    const main = document.querySelector('main')
    return main.contains(document.activeElement) || (main.compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0
  })
  if (!past) visitor.fail('its skip link does not lead past the header')
}
