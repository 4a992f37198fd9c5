// What every page is held to, in every mode: WCAG as far as axe sees it, the shape that all pages share, and that
// nothing is cut off.
import { axe } from './browser.mjs'

const wcag = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

// holdToShape reports what the page lacks of the shape that all have.
export async function holdToShape(visitor, error) {
  const { page, settings } = visitor
  const shape = await page.evaluate(readShape)
  if (!shape.title) visitor.fail('has no title')
  if (shape.headings !== 1) visitor.fail(`has ${shape.headings} h1`)
  if (!shape.main) visitor.fail('has no main with the id maincontent')
  if (!shape.lang || !shape.dir) visitor.fail(`says lang "${shape.lang}", dir "${shape.dir}"`)
  if (shape.summary !== error) visitor.fail(error ? 'shows no error summary' : 'shows an error summary')
  if ((await visitor.english()) && shape.title.startsWith('Error: ') !== error) visitor.fail(`has the title "${shape.title}"`)
  if (error && settings.scripts && !shape.summaryFocused) visitor.fail('does not give the focus to its error summary')
  if (error && shape.links.length === 0) visitor.fail('has an error summary without a link')
  for (const link of shape.links.filter((l) => !l.leads)) visitor.fail(`has an error that leads nowhere: ${link.href}`)
  for (const fault of await page.evaluate(findCutOff)) visitor.fail(fault)
}

// violations are what axe finds.
export async function violations(visitor) {
  const { page, settings } = visitor
  if (!settings.scripts) await visitor.runScripts(true)
  try {
    await page.evaluate(axe)
    const found = await page.evaluate((tags) => window.axe.run({ runOnly: tags, resultTypes: ['violations'] }), wcag)
    return found.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((n) => n.html.slice(0, 200)) }))
  } finally {
    if (!settings.scripts) await visitor.runScripts(false)
  }
}

function readShape() {
  const root = document.documentElement
  const summary = document.querySelector('.nhsuk-error-summary')
  return {
    title: document.title,
    headings: document.querySelectorAll('h1').length,
    main: document.querySelector('main')?.id === 'maincontent',
    lang: root.lang,
    dir: root.dir,
    summary: summary?.checkVisibility() ?? false,
    summaryFocused: summary !== null && summary === document.activeElement,
    links: [...(summary?.querySelectorAll('a') ?? [])].map((a) => ({
      href: a.getAttribute('href'),
      leads: a.hash !== '' && document.getElementById(a.hash.slice(1))?.checkVisibility() === true,
    })),
  }
}

// findCutOff looks for what cannot be read at this width: a page that scrolls sideways, what stands outside it, and
// text that its box hides.
function findCutOff() {
  const { clientWidth, scrollWidth } = document.documentElement
  const faults = []
  if (scrollWidth > clientWidth) faults.push(`scrolls sideways: ${scrollWidth} px in a window of ${clientWidth} px`)
  const look = (e) => {
    const style = getComputedStyle(e)
    const box = e.getBoundingClientRect()
    const unseen = !e.checkVisibility() || (style.position === 'absolute' && (box.width <= 1 || box.right <= 0 || box.bottom <= 0))
    if (unseen) return // what is there for screen readers only, and a skip link that has no focus
    const says = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim() !== '')
    const control = e.matches('input, select, textarea, button')
    if ((says || control) && (box.left < -1 || box.right > clientWidth + 1)) faults.push(`stands outside the window: ${e.outerHTML.slice(0, 120)}`)
    const hides = (overflow) => overflow === 'hidden' || overflow === 'clip'
    const cut =
      (hides(style.overflowX) && e.scrollWidth > e.clientWidth + 1) || (hides(style.overflowY) && e.scrollHeight > e.clientHeight + 1)
    if (cut && !control && e.innerText) faults.push(`cuts off what it says: ${e.outerHTML.slice(0, 120)}`)
    if (style.overflowX !== 'auto' && style.overflowX !== 'scroll' && !(e instanceof SVGElement)) [...e.children].forEach(look)
  }
  look(document.body)
  return faults
}
