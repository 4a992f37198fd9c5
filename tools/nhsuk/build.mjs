// Builds our styles, scripts and icons from the NHS design system's package: node build.mjs FOLDER
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { extname, join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build, transform } from 'esbuild'
import rtlcss from 'rtlcss'
import { compile } from 'sass'

const here = fileURLToPath(new URL('.', import.meta.url))
const frontend = join(here, 'node_modules/nhsuk-frontend')
const images = join(frontend, 'dist/nhsuk/assets/images')
const { version } = JSON.parse(readFileSync(join(frontend, 'package.json'), 'utf8'))
const notice = `/*! nhsuk-frontend ${version}, NHS England, MIT licence */\n`

// The oldest that run the design system's scripts, because they know modules.
const browsers = ['chrome61', 'edge16', 'firefox60', 'ios11', 'safari11']

const assets = new Map()
const image = name => assets.set(name, readFileSync(join(images, name)))

// An asset is served under its name and the beginning of its hash (assets.go does the same), images in styles too.
const address = name => {
  const { name: stem, ext } = parse(name)
  const hash = createHash('sha256').update(assets.get(name)).digest('hex').slice(0, 12)
  return `/assets/${stem}-${hash}${ext}`
}

for (const icon of ['favicon.ico', 'favicon.svg', 'nhsuk-icon-180.png']) image(icon)

const sheet = compile(join(here, 'nhsuk.scss'), { loadPaths: [join(frontend, 'dist/nhsuk')], quietDeps: true, charset: false })
const styles = await transform(sheet.css, { loader: 'css', minify: true, target: browsers })
const addressed = styles.code.replace(/\/assets\/images\/([\w.-]+)/g, (_, name) => {
  image(name)
  return address(name)
})
assets.set('nhsuk.css', Buffer.from(notice + addressed))

// For languages that are read from right to left everything is mirrored, arrows too, which rtlcss leaves as they are; but
// a tick is the same in every language.
const arrows = css => css.replace(/polygon\([^)]*\)/g, shape => shape.replace(/([\d.]+)%? ([\d.]+)%?/g, (_, x, y) => `${100 - x}% ${y}%`))
const tick = '.nhsuk-checkboxes__label:after{transform:rotate(45deg) translate(50%,-50%) rotate(-90deg);border-width:0 0 .25rem .25rem}' +
  '.nhsuk-checkboxes--small .nhsuk-checkboxes__label:after{border-width:0 0 .1875rem .1875rem}'
assets.set('nhsuk-rtl.css', Buffer.from(notice + arrows(rtlcss.process(addressed)) + tick))

const script = await build({
  entryPoints: [join(here, 'nhsuk.mjs')],
  bundle: true, format: 'esm', minify: true, legalComments: 'none', write: false,
  target: 'es2016', // what the package's modules are written in
})
assets.set('nhsuk.js', Buffer.from(notice + script.outputFiles[0].text))

// What one page alone wears and runs: patients never load it.
const desk = await transform(readFileSync(join(here, 'desk.css'), 'utf8'), { loader: 'css', minify: true })
assets.set('desk.css', Buffer.from(desk.code))
const ofDesk = await build({ entryPoints: [join(here, 'desk.mjs')], bundle: true, format: 'esm', minify: true, write: false, target: 'es2020' })
assets.set('desk.js', Buffer.from(ofDesk.outputFiles[0].text))
const ofScans = await build({ entryPoints: [join(here, 'scans.mjs')], bundle: true, format: 'esm', minify: true, write: false, target: 'es2020' })
assets.set('scans.js', Buffer.from(ofScans.outputFiles[0].text))

const folder = process.argv[2]
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const [name, content] of assets) {
  writeFileSync(join(folder, name), content)
  if (extname(name) !== '.png') { // which is compressed
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
    writeFileSync(join(folder, name + '.br'), brotliCompressSync(content, { params }))
    writeFileSync(join(folder, name + '.gz'), gzipSync(content, { level: 9 }))
  }
}
