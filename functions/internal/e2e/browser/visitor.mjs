// A visitor is one person with one browser tab: works it in one mode, and notices whatever goes wrong in it.
import { holdToShape, violations } from './judge.mjs'
import { alike, tour } from './tour.mjs'
import { keyboard } from './hands.mjs'

// judged are the documents that were looked at, by mode. The same one again, in another journey, is not looked at twice.
const judged = new Set()

export class Visitor {
  // report takes what is found, one thing at a time; pictures is a folder for one of every page; hosts are those that
  // pages may lead to, beside their own.
  static async arrive(browser, { base, mode, settings, report, pictures, hosts = [] }) {
    const context = await browser.newContext({
      baseURL: base,
      viewport: { width: settings.width, height: 900 },
      javaScriptEnabled: settings.scripts,
      forcedColors: settings.forcedColors ?? 'none',
      locale: 'en-GB',
    })
    context.setDefaultTimeout(60_000) // nothing takes long but on a machine that does much else
    return new Visitor({ context, base, mode, settings, report, pictures, hosts }).tab()
  }

  constructor(given) {
    Object.assign(this, given)
    this.hand = this.settings.hand
  }

  // tab is another tab of the same browser: the same cookies.
  async tab() {
    const other = new Visitor({ ...this })
    other.page = await other.context.newPage()
    other.devtools = await other.context.newCDPSession(other.page)
    if (!other.settings.scripts) await other.runScripts(false)
    other.notice()
    return other
  }

  // colleague is somebody else, at a browser of their own, who works in the same way.
  colleague() {
    return Visitor.arrive(this.context.browser(), this)
  }

  leave() {
    return this.context.close()
  }

  // notice fails the walk on what no page may do: errors, blocked content, lost requests, other hosts.
  notice() {
    const here = new URL(this.base).host
    const { page } = this
    page.on('request', (r) => {
      const to = new URL(r.url())
      if (to.protocol.startsWith('http') && to.host !== here && !this.hosts.includes(to.host)) this.fail(`asks another host: ${r.url()}`)
    })
    page.on('response', (r) => {
      const document = r.request().isNavigationRequest() && r.frame() === page.mainFrame()
      if (document) this.status = r.status()
      else if (r.status() >= 400 && !this.expects(r)) this.fail(`gets ${r.status()} for ${r.url()}`)
    })
    page.on('requestfailed', (r) => {
      const overtaken = r.failure()?.errorText === 'net::ERR_ABORTED' // by the next page
      if (!overtaken) this.fail(`cannot load ${r.url()}: ${r.failure()?.errorText}`)
    })
    page.on('pageerror', (e) => this.fail(`a script fails: ${e.message}`))
    page.on('console', (m) => {
      // Answers of 400 and above are looked at above, where it is known which of them are meant.
      if (m.type() === 'error' && !m.text().startsWith('Failed to load resource')) this.fail(`the browser says: ${m.text()}`)
    })
  }

  // expects says whether a request was meant to fail. A walk that means so says which.
  expects() {
    return false
  }

  fail(failure) {
    this.report({ page: this.name, url: this.page.url(), failure })
  }

  // name is that of the page: the last part of its path, or "start"; "form", "list" and "piece" for what has a reference
  // or an id for a name.
  get name() {
    const last = new URL(this.page.url()).pathname.split('/').pop()
    return last.replace(/^\w{4}(-\w{4}){3}-\w$/, 'form').replace(/^[A-Z2-7]{26}$/, 'list').replace(/^([A-Z2-7]{26}|HAND)-.*/, 'piece') || 'start'
  }

  // english says whether words may be looked at; pages in other languages are held to everything else.
  async english() {
    return /^en(-GB)?$/.test(await this.page.locator('html').getAttribute('lang'))
  }

  text() {
    return this.page.locator('main').innerText()
  }

  async open(path) {
    await this.page.goto(path)
  }

  // press works a control that leads to another page, and waits for it. A keyboard may have a long way to go to it.
  async press(control, how = this.hand.press) {
    const arrived = this.page.waitForEvent('load', { timeout: 60_000 })
    await Promise.all([arrived, how(control)])
  }

  // runScripts lets the judge's scripts run in a page that was loaded without any of its own.
  runScripts(on) {
    return this.devtools.send('Emulation.setScriptExecutionDisabled', { value: !on })
  }

  // check judges the page as it is now. Its picture is called by its name, or as is said.
  async check({ status = 200, error = false, as = this.name + (error ? '-error' : '') } = {}) {
    if (this.status !== status) this.fail(`answers ${this.status}, not ${status}`)
    await holdToShape(this, error)
    if (this.pictures) {
      await this.page.screenshot({ path: `${this.pictures}/${as}.png`, fullPage: true })
    }
    const html = alike((await this.page.content()).replaceAll(/\/form\/[^/"]+/g, ''))
    const document = JSON.stringify([this.base, this.mode, html])
    if (judged.has(document)) return
    judged.add(document)
    this.report({ page: this.name, url: this.page.url(), status: this.status, error, violations: await violations(this) })
    if (this.hand === keyboard) await tour(this)
  }
}
