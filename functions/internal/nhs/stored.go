package nhs

// What was accepted once is read back as it was: later rules judge new answers, not old forms. These constructors
// are for stores alone; they trust what they are given.

// StoredNumber is an NHS number that was accepted once; "" is none.
func StoredNumber(digits string) Number { return Number{digits} }

// StoredDate is a date that was accepted once, as YYYY-MM-DD; "" is none.
func StoredDate(iso string) Date { return Date{iso} }

// StoredName is a name that was accepted once; "" is none.
func StoredName(text string) Name { return Name{text} }

// StoredPostcode is a postcode that was accepted once; "" is none.
func StoredPostcode(text string) Postcode { return Postcode{text} }

// StoredODSCode is a practice code that was accepted once; "" is none.
func StoredODSCode(code string) ODSCode { return ODSCode{code} }
