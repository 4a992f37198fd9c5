// What three people say, by page. The order of pages is the server's business: each walk says what it is asked.
// `right` leads on; true stands for whatever is offered first. Before it every answer of `wrong` must be refused, and
// kept; unless said otherwise that is to say nothing. `search` finds what `right` chooses from.

// years ago, in England.
const years = (age) => String(Number(new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', year: 'numeric' }).format()) - age)

// Pages that ask nobody for anything but to go on.
const goOn = { right: {} }
const always = { 'sure-birth-date': goOn, 'sure-young': goOn, 'sure-practice': goOn, check: goOn }

const says = (right, ...wrong) => ({ right, wrong: [{}, ...wrong] })

export const self = {
  ...always,
  choice: says({ choice: 'dissent' }),
  who: says({ who: 'self' }),
  name: says({ forenames: 'Ada Wren', surname: 'Quillfeather' }, { forenames: 'Ada Wren' }),
  'birth-date': says({ day: '31', month: '3', year: '1957' }, { day: '31', month: '2', year: '1957' }),
  'nhs-number': says({ known: 'yes' }),
  'which-number': says({ 'nhs-number': '900 000 0009' }, { 'nhs-number': '900 000 0000' }),
  address: says({ 'line-1': '1 Lawson Street', town: 'Stockton-on-Tees', postcode: 'TS18 1HU' }),
  practice: { ...says({ practice: 'A81001' }), search: { q: 'Densham' } },
  reply: says({ safe: ['email'], email: 'ada@quillfeather.example' }, { safe: ['email'], email: 'ada' }),
  format: says({ format: 'standard' }),
  language: says({ language: 'english' }),
}

export const child = {
  ...self,
  choice: says({ choice: 'core' }),
  who: says({ who: 'child' }),
  capacity: says({ capacity: 'parent' }),
  name: says({ forenames: 'Robin', surname: 'Quillfeather' }),
  'birth-date': says({ day: '14', month: '5', year: years(8) }),
  declaration: says({ 'proxy-name': 'Ada Wren Quillfeather', declared: 'yes' }),
  'nhs-number': says({ known: 'no' }),
  address: says({ 'no-address': 'yes' }),
  practice: { ...self.practice, ...says({ practice: 'unknown' }) },
  reply: says({ safe: ['phone'], phone: '01632 960 001' }, { safe: ['phone'], phone: '12' }),
  format: says({ format: 'other' }),
  'which-format': says({ format: 'Moon' }),
  language: says({ language: 'other' }),
  'which-language': says({ language: 'Polski' }),
}

export const sibling = { ...child, name: says({ forenames: 'Wilhelmina', surname: 'Quillfeather' }) }

// ends are what leads to a page that ends a journey, or interrupts it, without a wrong answer on the way.
const straight = (answers) => Object.fromEntries(Object.entries(answers).map(([page, { right, search }]) => [page, { right, search }]))
export const ends = {
  'no-capacity': straight({ ...child, capacity: says({ capacity: 'none' }) }),
  'who-decides': straight({ ...child, 'birth-date': says({ day: '14', month: '5', year: '1990' }) }),
  'sure-young': straight({ ...self, 'birth-date': says({ day: '1', month: '1', year: years(6) }) }),
  'sure-birth-date': straight({ ...self, 'birth-date': says({ day: '1', month: '1', year: years(112) }) }),
  'sure-practice': straight({ ...self, address: says({ 'line-1': '1 Fore Street', postcode: 'TR1 2AA' }) }),
}

export const adult = {
  ...child,
  choice: says({ choice: 'core-and-additional' }),
  who: says({ who: 'adult' }),
  capacity: says({ capacity: 'attorney-health-welfare' }),
  name: says({ surname: 'Quillfeather', 'one-name': 'yes' }),
  'birth-date': says({ day: '1', month: '1', year: '1931' }),
  practice: { ...self.practice, ...says({ practice: 'none' }) },
  reply: says({ safe: ['none'] }),
}

export const straightOn = straight(self)

// takingBack says what somebody answers who takes an earlier form back, or says that it was not theirs.
export const takingBack = { ...straightOn, choice: { right: { choice: 'withdrawal' } } }
