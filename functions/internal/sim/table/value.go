package table

import (
	"bytes"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// value is an attribute's value, and attributes are an item or a map inside one. What is stored is never changed.
type (
	value      = types.AttributeValue
	attributes = map[string]types.AttributeValue
)

// kinds are types of values, as a set of bits.
type kinds uint16

const (
	text kinds = 1 << iota
	number
	binary
	boolean
	null
	list
	object
	texts
	numbers
	binaries

	ordered = text | number | binary
	sets    = texts | numbers | binaries
)

// kindOf is the type of a value; 0 for what is none.
func kindOf(v value) kinds {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return text
	case *types.AttributeValueMemberN:
		return number
	case *types.AttributeValueMemberB:
		return binary
	case *types.AttributeValueMemberBOOL:
		return boolean
	case *types.AttributeValueMemberNULL:
		return null
	case *types.AttributeValueMemberL:
		return list
	case *types.AttributeValueMemberM:
		return object
	case *types.AttributeValueMemberSS:
		return texts
	case *types.AttributeValueMemberNS:
		return numbers
	case *types.AttributeValueMemberBS:
		return binaries
	}
	return 0
}

var shortNames = map[kinds]string{
	text: "S", number: "N", binary: "B", boolean: "BOOL", null: "NULL", list: "L", object: "M", texts: "SS", numbers: "NS", binaries: "BS",
}

// deepest is how far lists and maps may lie inside one another.
const deepest = 32

// admit checks a value that comes from outside, and gives it as it is stored: with numbers written in one way. It is the
// value itself wherever that is so already.
func admit(v value, depth int) (value, error) {
	if depth > deepest {
		return nil, invalid("Nesting Levels have exceeded supported limits: Attributes have nested more than 32 levels")
	}
	switch v := v.(type) {
	case *types.AttributeValueMemberS, *types.AttributeValueMemberBOOL:
		return v, nil
	case *types.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: bytes.Clone(v.Value)}, nil // others go on writing on theirs
	case *types.AttributeValueMemberNULL:
		if !v.Value {
			return nil, invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return v, nil
	case *types.AttributeValueMemberN:
		if plain(v.Value) {
			return v, nil
		}
		n, err := canonical(v.Value)
		return &types.AttributeValueMemberN{Value: n}, err
	case *types.AttributeValueMemberL:
		var other []value
		for n, e := range v.Value {
			as, err := admit(e, depth+1)
			if err != nil {
				return nil, err
			}
			if as != e && other == nil {
				other = slices.Clone(v.Value)
			}
			if other != nil {
				other[n] = as
			}
		}
		if other != nil {
			return &types.AttributeValueMemberL{Value: other}, nil
		}
		return v, nil
	case *types.AttributeValueMemberM:
		m, changed, err := admitAll(v.Value, depth+1)
		if !changed {
			return v, err
		}
		return &types.AttributeValueMemberM{Value: m}, nil
	case *types.AttributeValueMemberSS:
		return v, noSet(v.Value, func(a, b string) bool { return a == b })
	case *types.AttributeValueMemberBS:
		all := make([][]byte, len(v.Value))
		for n, b := range v.Value {
			all[n] = bytes.Clone(b)
		}
		return &types.AttributeValueMemberBS{Value: all}, noSet(all, bytes.Equal)
	case *types.AttributeValueMemberNS:
		all := make([]string, len(v.Value))
		for n, s := range v.Value {
			var err error
			if all[n], err = canonical(s); err != nil {
				return nil, err
			}
		}
		return &types.AttributeValueMemberNS{Value: all}, noSet(all, func(a, b string) bool { return a == b })
	}
	return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

// admitAll admits the values of a map, which is the map itself unless one of them changes.
func admitAll(m attributes, depth int) (stored attributes, changed bool, err error) {
	var other attributes
	for name, v := range m {
		as, err := admit(v, depth)
		if err != nil {
			return nil, false, firstError(m, depth)
		}
		if as == v {
			continue
		}
		if other == nil {
			other = maps.Clone(m)
		}
		other[name] = as
	}
	if other != nil {
		return other, true, nil
	}
	return m, false, nil
}

// firstError is that of the first name, whatever order a map is walked in.
func firstError(m attributes, depth int) error {
	for _, name := range sorted(m) {
		if _, err := admit(m[name], depth); err != nil {
			return err
		}
	}
	return nil
}

func noSet[T any](all []T, equal func(a, b T) bool) error {
	if len(all) == 0 {
		return invalid("One or more parameter values were invalid: An set may not be empty")
	}
	for n, a := range all {
		for _, b := range all[:n] {
			if equal(a, b) {
				return invalid("One or more parameter values were invalid: Input collection contains duplicates.")
			}
		}
	}
	return nil
}

// plain says that a number is a whole one, written as it is stored.
func plain(s string) bool {
	digits := s
	if len(s) > 1 && s[0] == '-' {
		digits = s[1:]
	}
	if digits == "" || len(digits) > 18 || digits[0] == '0' && len(s) > 1 {
		return false
	}
	for n := range len(digits) {
		if digits[n] < '0' || digits[n] > '9' {
			return false
		}
	}
	return true
}

// decimal is digits × 10^exponent; no digits end in 0, but those of 0.
type decimal struct {
	digits   *big.Int
	exponent int
}

// Bounds of numbers.
const (
	mostDigits = 38
	mostPower  = 126 // a number is less than 10^126
	leastPower = -130
)

// parseDecimal reads a number as it may come from outside.
func parseDecimal(s string) (decimal, error) {
	wrong := invalid("The parameter cannot be converted to a numeric value: " + s)
	mantissa, power, has := strings.Cut(strings.ToLower(s), "e")
	exponent := 0
	if has {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return decimal{}, wrong
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	unsigned := strings.TrimLeft(whole, "+-")
	if len(whole)-len(unsigned) > 1 || unsigned+fraction == "" || strings.Trim(unsigned+fraction, "0123456789") != "" {
		return decimal{}, wrong
	}
	digits, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return decimal{}, wrong
	}
	return decimal{digits, exponent - len(fraction)}.bounded()
}

// bounded strips zeros at the end, and refuses what the table cannot hold.
func (d decimal) bounded() (decimal, error) {
	s := new(big.Int).Abs(d.digits).String()
	if s == "0" {
		return decimal{new(big.Int), 0}, nil
	}
	kept := strings.TrimRight(s, "0")
	if zeros := len(s) - len(kept); zeros > 0 {
		d.digits = new(big.Int).Quo(d.digits, ten(zeros))
		d.exponent += zeros
	}
	switch power := len(kept) + d.exponent; {
	case power > mostPower:
		return d, invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case power <= leastPower:
		return d, invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(kept) > mostDigits:
		return d, invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return d, nil
}

func ten(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// String writes a number without an exponent, as the table answers it.
func (d decimal) String() string {
	s := new(big.Int).Abs(d.digits).String()
	switch {
	case d.exponent >= 0:
		if s != "0" {
			s += strings.Repeat("0", d.exponent)
		}
	case len(s) > -d.exponent:
		s = s[:len(s)+d.exponent] + "." + s[len(s)+d.exponent:]
	default:
		s = "0." + strings.Repeat("0", -d.exponent-len(s)) + s
	}
	if d.digits.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// canonical writes a number as it is stored.
func canonical(s string) (string, error) {
	d, err := parseDecimal(s)
	if err != nil {
		return "", err
	}
	return d.String(), nil
}

// aligned are the digits of two numbers at one exponent.
func aligned(a, b decimal) (x, y *big.Int, exponent int) {
	exponent = min(a.exponent, b.exponent)
	at := func(d decimal) *big.Int { return new(big.Int).Mul(d.digits, ten(d.exponent-exponent)) }
	return at(a), at(b), exponent
}

// sum adds two stored numbers, or takes the second from the first.
func sum(a, b string, minus bool) (string, error) {
	if plain(a) && plain(b) {
		x, errX := strconv.ParseInt(a, 10, 64)
		y, errY := strconv.ParseInt(b, 10, 64)
		if errX == nil && errY == nil { // of 18 digits at most: no overflow
			if minus {
				y = -y
			}
			return strconv.FormatInt(x+y, 10), nil
		}
	}
	p, err := parseDecimal(a)
	if err != nil {
		return "", err
	}
	q, err := parseDecimal(b)
	if err != nil {
		return "", err
	}
	x, y, exponent := aligned(p, q)
	if minus {
		y.Neg(y)
	}
	d, err := decimal{x.Add(x, y), exponent}.bounded()
	if err != nil {
		return "", err
	}
	return d.String(), nil
}

// compareNumbers compares two stored numbers.
func compareNumbers(a, b string) int {
	if a == b {
		return 0
	}
	if plain(a) && plain(b) {
		x, _ := strconv.ParseInt(a, 10, 64)
		y, _ := strconv.ParseInt(b, 10, 64)
		if x < y {
			return -1
		}
		return 1
	}
	p, _ := parseDecimal(a) // they were admitted
	q, _ := parseDecimal(b)
	x, y, _ := aligned(p, q)
	return x.Cmp(y)
}

// compare orders two values; ok is false if they are not of one type that has an order.
func compare(a, b value) (order int, ok bool) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		if b, ok := b.(*types.AttributeValueMemberS); ok {
			return strings.Compare(a.Value, b.Value), true
		}
	case *types.AttributeValueMemberN:
		if b, ok := b.(*types.AttributeValueMemberN); ok {
			return compareNumbers(a.Value, b.Value), true
		}
	case *types.AttributeValueMemberB:
		if b, ok := b.(*types.AttributeValueMemberB); ok {
			return bytes.Compare(a.Value, b.Value), true
		}
	}
	return 0, false
}

// equal says that two values are of one type and the same; sets are in whatever order.
func equal(a, b value) bool {
	if a == b {
		return true
	}
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && bytes.Equal(a.Value, b.Value)
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberNULL:
		_, ok := b.(*types.AttributeValueMemberNULL)
		return ok
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		return ok && slices.EqualFunc(a.Value, b.Value, equal)
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		return ok && equalAll(a.Value, b.Value)
	case *types.AttributeValueMemberSS:
		b, ok := b.(*types.AttributeValueMemberSS)
		return ok && equalSets(a.Value, b.Value, func(x, y string) bool { return x == y })
	case *types.AttributeValueMemberNS:
		b, ok := b.(*types.AttributeValueMemberNS)
		return ok && equalSets(a.Value, b.Value, func(x, y string) bool { return x == y })
	case *types.AttributeValueMemberBS:
		b, ok := b.(*types.AttributeValueMemberBS)
		return ok && equalSets(a.Value, b.Value, bytes.Equal)
	}
	return false
}

func equalAll(a, b attributes) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if w, ok := b[name]; !ok || !equal(v, w) {
			return false
		}
	}
	return true
}

func equalSets[T any](a, b []T, equal func(x, y T) bool) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x T) bool {
		return !slices.ContainsFunc(b, func(y T) bool { return equal(x, y) })
	})
}

// sizeOf is how many bytes DynamoDB says that a value takes.
func sizeOf(v value) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberL:
		n := 3 + len(v.Value)
		for _, e := range v.Value {
			n += sizeOf(e)
		}
		return n
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + itemSize(v.Value)
	case *types.AttributeValueMemberSS:
		n := 0
		for _, s := range v.Value {
			n += len(s)
		}
		return n
	case *types.AttributeValueMemberNS:
		n := 0
		for _, s := range v.Value {
			n += numberSize(s)
		}
		return n
	case *types.AttributeValueMemberBS:
		n := 0
		for _, b := range v.Value {
			n += len(b)
		}
		return n
	}
	return 1
}

// numberSize is a byte for two digits that count, one more, and one for a sign.
func numberSize(s string) int {
	n := 1
	if strings.HasPrefix(s, "-") {
		n++
	}
	if strings.Contains(s, ".") {
		s = strings.Trim(strings.ReplaceAll(strings.TrimPrefix(s, "-"), ".", ""), "0")
	} else {
		s = strings.TrimRight(strings.TrimPrefix(s, "-"), "0")
	}
	return n + (len(s)+1)/2
}

// itemSize is how many bytes DynamoDB says that an item takes.
func itemSize(m attributes) int {
	n := 0
	for name, v := range m {
		n += len(name) + sizeOf(v)
	}
	return n
}

// lengthOf is what the function size gives; ok is false for types that have none.
func lengthOf(v value) (n int, ok bool) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len([]rune(v.Value)), true
	case *types.AttributeValueMemberB:
		return len(v.Value), true
	case *types.AttributeValueMemberL:
		return len(v.Value), true
	case *types.AttributeValueMemberM:
		return len(v.Value), true
	case *types.AttributeValueMemberSS:
		return len(v.Value), true
	case *types.AttributeValueMemberNS:
		return len(v.Value), true
	case *types.AttributeValueMemberBS:
		return len(v.Value), true
	}
	return 0, false
}

// hasBytes says that there are bytes in a value, which whoever holds them can change.
func hasBytes(v value) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberB, *types.AttributeValueMemberBS:
		return true
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(v.Value, hasBytes)
	case *types.AttributeValueMemberM:
		return haveBytes(v.Value)
	}
	return false
}

func haveBytes(m attributes) bool {
	for _, v := range m {
		if hasBytes(v) {
			return true
		}
	}
	return false
}
