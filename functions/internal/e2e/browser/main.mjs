// Walks the pages at some addresses and says what it finds, one JSON object a line:
//   node main.mjs '[{"base": "http://127.0.0.1:3000", "walks": ["self"], "modes": ["keyboard"], "pictures": "folder"}]'
import { availableParallelism } from 'node:os'
import { launch } from './browser.mjs'
import { modes } from './modes.mjs'
import { Visitor } from './visitor.mjs'
import { mailroom } from './mailroom.mjs'
import { office } from './office.mjs'
import { practice } from './practice.mjs'
import { once, walks as patients } from './walks.mjs'

const walks = { ...patients, ...practice, ...office, ...mailroom }

const report = (found) => process.stdout.write(`${JSON.stringify(found)}\n`)
const all = JSON.parse(process.argv[2]).flatMap((wanted) =>
  wanted.walks.flatMap((walk) => wanted.modes.filter((mode) => (once[walk] ?? mode) === mode).map((mode) => ({ ...wanted, walk, mode }))),
)
const browser = await launch()
await Promise.all(
  Array.from({ length: Math.min(8, Math.max(2, availableParallelism())) }, async () => {
    for (let next = all.shift(); next; next = all.shift()) await go(next)
  }),
)
await browser.close()

async function go(wanted) {
  const { base, walk, mode } = wanted
  const began = Date.now()
  const tell = (found) => report({ base, walk, mode, ...found })
  const visitor = await Visitor.arrive(browser, { base, mode, settings: modes[mode], hosts: wanted.issuer ? [new URL(wanted.issuer).host] : [], report: tell, pictures: wanted.pictures && `${wanted.pictures}/${mode}/${walk}` })
  try {
    await walks[walk](visitor, wanted)
  } catch (e) {
    visitor.fail(`the walk ends here: ${e.message}`)
  }
  await visitor.leave()
  tell({ seconds: (Date.now() - began) / 1000 })
}
