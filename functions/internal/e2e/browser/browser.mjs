// Chromium, with a fresh profile and none of its own look-ups.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

// Installed elsewhere, and found by NODE_PATH.
const require = createRequire(import.meta.url)
const { chromium } = require('playwright-core')

export const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
