// How a person works a page: with a pointer, or with nothing but a keyboard. Both can do the same.

export const pointer = {
  fill: (field, value) => field.fill(value),
  choose: (option) => option.check(),
  press: (control) => control.click(),
  // A shaky hand clicks twice; what follows must be the same.
  send: (button) => button.dblclick(),
}

export const keyboard = {
  async fill(field, value) {
    await reach(field)
    await field.page().keyboard.press('ControlOrMeta+A')
    await field.page().keyboard.press('Delete')
    await field.page().keyboard.type(value)
  },

  // A group of radios is one stop for Tab. The arrows go round it, past every one, and choose the one they are on.
  async choose(option) {
    const keys = option.page().keyboard
    await reach(option)
    if ((await option.getAttribute('type')) !== 'radio' || !(await isGroup(option))) {
      if (!(await option.isChecked())) await keys.press('Space')
      return
    }
    const passed = new Set()
    const here = () => option.page().evaluate(() => document.activeElement.value)
    for (let on = await here(); !passed.has(on); on = await here()) {
      passed.add(on)
      await keys.press('ArrowDown')
    }
    const all = await group(option)
    if (passed.size < all.length) throw new Error(`the arrow keys reach ${[...passed].join(', ')} of ${all.join(', ')}`)
    for (let turns = 0; turns < all.length && !(await option.isChecked()); turns++) await keys.press('ArrowDown')
    if (!(await option.isChecked())) throw new Error(`the arrow keys do not choose ${await option.getAttribute('value')}`)
  },

  async press(control) {
    await reach(control)
    await control.page().keyboard.press('Enter')
  },

  send: (button) => keyboard.press(button),
}

// group is every value that a radio's question offers.
const group = (radio) =>
  radio.evaluate((r) => [...r.form.elements].filter((e) => e.type === 'radio' && e.name === r.name).map((e) => e.value))

const isGroup = async (radio) => (await group(radio)).length > 1

// reach tabs to a control, or to the group it belongs to.
async function reach(control) {
  await control.waitFor()
  const isThere = () =>
    control.evaluate((c) => {
      const a = document.activeElement
      return a === c || (c.type === 'radio' && a.type === 'radio' && a.name === c.name && a.form === c.form)
    })
  for (let presses = 0; presses < 200; presses++) {
    if (await isThere()) return
    await control.page().keyboard.press('Tab')
  }
  throw new Error(`Tab never comes to ${await control.evaluate((c) => c.outerHTML.slice(0, 120))}`)
}
