// The ways in which people use the pages. Every page is judged in each of them.
import { keyboard, pointer } from './hands.mjs'

export const modes = {
  desktop: { width: 1280, scripts: true, hand: pointer },
  narrow: { width: 320, scripts: true, hand: pointer },
  'no-scripts': { width: 1280, scripts: false, hand: pointer },
  keyboard: { width: 1280, scripts: true, hand: keyboard },
  'keyboard-no-scripts': { width: 1280, scripts: false, hand: keyboard },
  'forced-colours': { width: 1280, scripts: true, hand: pointer, forcedColors: 'active' },
  phone: { width: 375, scripts: true, hand: pointer },
}
