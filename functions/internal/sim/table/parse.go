package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// path is where a value stands in an item.
type path []step

// step is a name in a map or, without one, a place in a list.
type step struct {
	name  string
	index int
}

func (p path) String() string {
	parts := make([]string, len(p))
	for n, s := range p {
		if parts[n] = s.name; s.name == "" {
			parts[n] = fmt.Sprintf("[%d]", s.index)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (p path) equal(o path) bool { return slices.Equal(p, o) }

// form is what an operand is.
type form uint8

const (
	atPath form = iota
	given       // a value of the request
	length      // size(path)
	ifNotExists
	listAppend
	plus
	minus
)

// operand is what is compared or stored.
type operand struct {
	form form
	path path
	name string // of the given value
	args []operand
}

// test is what a condition does.
type test uint8

const (
	and test = iota
	or
	not
	equals
	differs
	less
	lessOrEqual
	greater
	greaterOrEqual
	between
	in
	exists
	notExists
	hasType
	beginsWith
	contains
)

var testNames = map[test]string{
	equals: "=", differs: "<>", less: "<", lessOrEqual: "<=", greater: ">", greaterOrEqual: ">=", between: "BETWEEN", in: "IN",
	exists: "attribute_exists", notExists: "attribute_not_exists", hasType: "attribute_type", beginsWith: "begins_with", contains: "contains",
}

// condition is an expression that holds for an item or does not.
type condition struct {
	test test
	of   []condition // and, or, not
	args []operand
}

// verb is what an action of an update does.
type verb uint8

const (
	set verb = iota
	remove
	add
	take
)

// action changes one path of an item.
type action struct {
	verb verb
	path path
	to   operand
}

// plan is what the expressions of a request say, with the names that it was read with. It holds what can be known to be
// wrong without the values.
type plan struct {
	actions   []action
	condition *condition
	key       keyCondition
	names     []use
	values    []string
	checks    []check
	bounds    []bound
	nested    bool // an action reaches into a value
	moves     bool // an action changes where an item stands in an index
}

// use says what a name stands for.
type use struct{ as, name string }

// check is of which types a given value may be.
type check struct {
	name     string
	kinds    kinds
	what, of string // the expression, and the operator or function in it
}

// bound are the two ends of a BETWEEN, if both are given.
type bound struct{ what, low, high string }

// parser reads one expression of a request.
type parser struct {
	*plan
	what  string // the parameter's name
	names map[string]string
	rest  string // not looked at yet
	token string // looked at, "" at the end
}

func (p *parser) start(what, expression string) error {
	p.what, p.rest = what, expression
	if strings.TrimSpace(expression) == "" {
		return p.wrong("The expression can not be empty;")
	}
	return p.next()
}

func (p *parser) wrong(why string, args ...any) error {
	return invalid("Invalid " + p.what + ": " + fmt.Sprintf(why, args...))
}

func (p *parser) syntax() error {
	token := p.token
	if token == "" {
		token = "<EOF>"
	}
	return p.wrong("Syntax error; token: %q, near: %q", token, token+p.rest)
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// next looks at the next token.
func (p *parser) next() error {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if p.rest == "" {
		p.token = ""
		return nil
	}
	n := 1
	switch c := p.rest[0]; {
	case c == '#' || c == ':' || isWord(c):
		for n < len(p.rest) && isWord(p.rest[n]) {
			n++
		}
		if n == 1 && !isWord(c) {
			p.token, p.rest = p.rest[:1], p.rest[1:]
			return p.syntax()
		}
	case c == '<' && (strings.HasPrefix(p.rest, "<>") || strings.HasPrefix(p.rest, "<=")), c == '>' && strings.HasPrefix(p.rest, ">="):
		n = 2
	case !strings.ContainsRune("=<>()[],.+-", rune(c)):
		p.token, p.rest = p.rest[:1], p.rest[1:]
		return p.syntax()
	}
	p.token, p.rest = p.rest[:n], p.rest[n:]
	return nil
}

// is says that the token is this word, however it is written.
func (p *parser) is(word string) bool { return strings.EqualFold(p.token, word) }

// take goes on if the token is this one.
func (p *parser) take(token string) (bool, error) {
	if !p.is(token) {
		return false, nil
	}
	return true, p.next()
}

func (p *parser) want(token string) error {
	if ok, err := p.take(token); ok || err != nil {
		return err
	}
	return p.syntax()
}

// name reads the name of an attribute, or what stands for one.
func (p *parser) name() (string, error) {
	token := p.token
	switch {
	case token == "" || token[0] == ':' || token[0] != '#' && (!isWord(token[0]) || token[0] >= '0' && token[0] <= '9' || token[0] == '_'):
		return "", p.syntax()
	case token[0] == '#':
		name, ok := p.names[token]
		if !ok {
			return "", p.wrong("An expression attribute name used in the document path is not defined; attribute name: %s", token)
		}
		if u := (use{token, name}); !slices.Contains(p.plan.names, u) {
			p.plan.names = append(p.plan.names, u)
		}
		return name, p.next()
	case reserved[strings.ToUpper(token)]:
		return "", p.wrong("Attribute name is a reserved keyword; reserved keyword: %s", token)
	}
	return token, p.next()
}

func (p *parser) path() (path, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	at := path{{name: name}}
	for {
		switch p.token {
		case ".":
			if err := p.next(); err != nil {
				return nil, err
			}
			name, err := p.name()
			if err != nil {
				return nil, err
			}
			at = append(at, step{name: name})
		case "[":
			if err := p.next(); err != nil {
				return nil, err
			}
			n, err := strconv.ParseUint(p.token, 10, 31)
			if err != nil {
				return nil, p.syntax()
			}
			if err := p.next(); err != nil {
				return nil, err
			}
			if err := p.want("]"); err != nil {
				return nil, err
			}
			at = append(at, step{index: int(n)})
		default:
			if len(at) > deepest {
				return nil, p.wrong("The document path has too many nesting elements; nesting levels: %d", len(at))
			}
			return at, nil
		}
	}
}

// call reads the arguments of a function, whose name has been read.
func (p *parser) call(name string, wanted int, argument func() (operand, error)) (args []operand, err error) {
	if err := p.want("("); err != nil {
		return nil, err
	}
	for {
		a, err := argument()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
		more, err := p.take(",")
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if len(args) != wanted {
		return nil, p.wrong("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
	}
	return args, p.want(")")
}

// isCall says that the token is the name of a function: what follows is its arguments.
func (p *parser) isCall() bool {
	return p.token != "" && isWord(p.token[0]) && strings.HasPrefix(strings.TrimLeft(p.rest, " \t\r\n"), "(")
}

// plainOperand is a path or a given value.
func (p *parser) plainOperand() (operand, error) {
	if strings.HasPrefix(p.token, ":") {
		name := p.token
		if !slices.Contains(p.values, name) {
			p.values = append(p.values, name)
		}
		return operand{form: given, name: name}, p.next()
	}
	at, err := p.path()
	return operand{form: atPath, path: at}, err
}

// operand of a condition.
func (p *parser) operand() (operand, error) {
	if !p.isCall() {
		return p.plainOperand()
	}
	name := p.token
	if err := p.next(); err != nil {
		return operand{}, err
	}
	switch name {
	case "size":
		args, err := p.call(name, 1, p.plainOperand)
		if err != nil {
			return operand{}, err
		}
		if args[0].form == given {
			p.check(args[0], text|binary|list|object|sets, name)
		}
		return operand{form: length, args: args}, nil
	case "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "if_not_exists", "list_append":
		return operand{}, p.wrong("The function is not allowed to be used this way in an expression; function: %s", name)
	}
	return operand{}, p.wrong("Invalid function name; function: %s", name)
}

// check remembers of which types a value must be where one is given.
func (p *parser) check(o operand, k kinds, of string) {
	if o.form == given {
		p.checks = append(p.checks, check{o.name, k, p.what, of})
	}
}

// condition reads a whole condition.
func (p *parser) condition() (condition, error) {
	c, err := p.or()
	if err == nil && p.token != "" {
		err = p.syntax()
	}
	return c, err
}

func (p *parser) or() (condition, error) { return p.joined("OR", or, p.and) }

func (p *parser) and() (condition, error) { return p.joined("AND", and, p.not) }

func (p *parser) joined(word string, as test, part func() (condition, error)) (condition, error) {
	first, err := part()
	if err != nil || !p.is(word) {
		return first, err
	}
	all := condition{test: as, of: []condition{first}}
	for p.is(word) {
		if err := p.next(); err != nil {
			return all, err
		}
		c, err := part()
		if err != nil {
			return all, err
		}
		all.of = append(all.of, c)
	}
	return all, nil
}

func (p *parser) not() (condition, error) {
	if !p.is("NOT") {
		return p.single()
	}
	if err := p.next(); err != nil {
		return condition{}, err
	}
	c, err := p.not()
	return condition{test: not, of: []condition{c}}, err
}

// single reads a comparison, a function, or a condition in brackets.
func (p *parser) single() (condition, error) {
	if p.token == "(" {
		if err := p.next(); err != nil {
			return condition{}, err
		}
		twice := p.token == "("
		rest := p.rest
		c, err := p.or()
		if err != nil {
			return c, err
		}
		if twice && closes(rest) {
			return c, p.wrong("The expression has redundant parentheses;")
		}
		return c, p.want(")")
	}
	if p.isCall() && p.token != "size" {
		return p.function()
	}
	first, err := p.operand()
	if err != nil {
		return condition{}, err
	}
	c := condition{args: []operand{first}}
	more := func() error {
		o, err := p.operand()
		c.args = append(c.args, o)
		return err
	}
	switch {
	case p.is("BETWEEN"):
		c.test = between
		if err = p.next(); err == nil {
			if err = more(); err == nil {
				if err = p.want("AND"); err == nil {
					err = more()
				}
			}
		}
		if err == nil && c.args[1].form == given && c.args[2].form == given {
			p.bounds = append(p.bounds, bound{p.what, c.args[1].name, c.args[2].name})
		}
	case p.is("IN"):
		c.test = in
		if err = p.next(); err == nil {
			var args []operand
			if args, err = p.list(); err == nil {
				c.args = append(c.args, args...)
			}
		}
	default:
		as, ok := map[string]test{"=": equals, "<>": differs, "<": less, "<=": lessOrEqual, ">": greater, ">=": greaterOrEqual}[p.token]
		if !ok {
			return c, p.syntax()
		}
		c.test = as
		if err = p.next(); err == nil {
			err = more()
		}
	}
	if err != nil {
		return c, err
	}
	if c.test >= less && c.test <= between {
		for _, a := range c.args {
			p.check(a, ordered, testNames[c.test])
		}
	}
	return c, p.distinct(c)
}

// list reads the operands of IN.
func (p *parser) list() (args []operand, err error) {
	if err := p.want("("); err != nil {
		return nil, err
	}
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		args = append(args, o)
		more, err := p.take(",")
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if len(args) > 100 {
		return nil, p.wrong("The IN operator is provided with too many operands; number of operands: %d", len(args))
	}
	return args, p.want(")")
}

// distinct refuses to compare a thing with itself.
func (p *parser) distinct(c condition) error {
	for _, a := range c.args[1:] {
		if c.args[0].form == atPath && a.form == atPath && c.args[0].path.equal(a.path) {
			return p.wrong("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %v", testNames[c.test], a.path)
		}
	}
	return nil
}

// closes says that the second of two opening brackets closes right before the first does.
func closes(rest string) bool {
	depth := 2
	for n := range len(rest) {
		switch rest[n] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 1 {
				return strings.HasPrefix(strings.TrimLeft(rest[n+1:], " \t\r\n"), ")")
			}
		}
	}
	return false
}

// function reads one that is a condition by itself.
func (p *parser) function() (condition, error) {
	name := p.token
	tests := map[string]test{
		"attribute_exists": exists, "attribute_not_exists": notExists, "attribute_type": hasType, "begins_with": beginsWith, "contains": contains,
	}
	as, ok := tests[name]
	if !ok {
		if name == "if_not_exists" || name == "list_append" {
			return condition{}, p.wrong("The function is not allowed in a condition expression; function: %s", name)
		}
		return condition{}, p.wrong("Invalid function name; function: %s", name)
	}
	if err := p.next(); err != nil {
		return condition{}, err
	}
	wanted := 2
	if as == exists || as == notExists {
		wanted = 1
	}
	args, err := p.call(name, wanted, p.operand)
	if err != nil {
		return condition{}, err
	}
	c := condition{test: as, args: args}
	switch as {
	case exists, notExists:
		if args[0].form != atPath {
			return c, p.wrong("Operator or function requires a document path; operator or function: %s", name)
		}
		return c, nil
	case hasType:
		if args[1].form != given {
			return c, p.wrong("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: PATH")
		}
		p.check(args[1], text, name)
	case beginsWith:
		p.check(args[0], text|binary, name)
		p.check(args[1], text|binary, name)
	}
	return c, p.distinct(c)
}

// update reads a whole update expression.
func (p *parser) update() error {
	var seen []string
	for p.token != "" {
		section := strings.ToUpper(p.token)
		read, ok := map[string]func() (action, error){"SET": p.setting, "REMOVE": p.removing, "ADD": p.adding, "DELETE": p.taking}[section]
		if !ok {
			return p.syntax()
		}
		if slices.Contains(seen, section) {
			return p.wrong("The %q section can only be used once in an update expression;", section)
		}
		seen = append(seen, section)
		if err := p.next(); err != nil {
			return err
		}
		for {
			a, err := read()
			if err != nil {
				return err
			}
			p.actions = append(p.actions, a)
			p.nested = p.nested || len(a.path) > 1
			more, err := p.take(",")
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	for n, a := range p.actions {
		for _, b := range p.actions[:n] {
			if err := p.apart(b.path, a.path); err != nil {
				return err
			}
		}
	}
	for _, a := range p.actions {
		if name := a.path[0].name; name == "PK" || name == "SK" {
			return invalidf("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	return nil
}

// apart refuses two actions on one thing, or on a thing and what is in it.
func (p *parser) apart(a, b path) error {
	for n := range min(len(a), len(b)) {
		if a[n] == b[n] {
			continue
		}
		if (a[n].name == "") != (b[n].name == "") {
			return p.wrong("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %v, path two: %v", a, b)
		}
		return nil
	}
	return p.wrong("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %v, path two: %v", a, b)
}

func (p *parser) setting() (action, error) {
	at, err := p.path()
	if err != nil {
		return action{}, err
	}
	if err := p.want("="); err != nil {
		return action{}, err
	}
	to, err := p.stored()
	if err != nil {
		return action{}, err
	}
	if p.token == "+" || p.token == "-" {
		as, name := plus, p.token
		if name == "-" {
			as = minus
		}
		if err := p.next(); err != nil {
			return action{}, err
		}
		by, err := p.stored()
		if err != nil {
			return action{}, err
		}
		p.check(to, number, name)
		p.check(by, number, name)
		to = operand{form: as, args: []operand{to, by}}
	}
	return action{set, at, to}, nil
}

// stored is an operand of an update.
func (p *parser) stored() (operand, error) {
	if !p.isCall() {
		return p.plainOperand()
	}
	name := p.token
	as, ok := map[string]form{"if_not_exists": ifNotExists, "list_append": listAppend}[name]
	if !ok {
		if slices.Contains([]string{"size", "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"}, name) {
			return operand{}, p.wrong("The function is not allowed in an update expression; function: %s", name)
		}
		return operand{}, p.wrong("Invalid function name; function: %s", name)
	}
	if err := p.next(); err != nil {
		return operand{}, err
	}
	args, err := p.call(name, 2, p.stored)
	if err != nil {
		return operand{}, err
	}
	switch as {
	case ifNotExists:
		if args[0].form != atPath {
			return operand{}, p.wrong("Operator or function requires a document path; operator or function: if_not_exists")
		}
	case listAppend:
		p.check(args[0], list, name)
		p.check(args[1], list, name)
	}
	return operand{form: as, args: args}, nil
}

func (p *parser) removing() (action, error) {
	at, err := p.path()
	return action{verb: remove, path: at}, err
}

func (p *parser) adding() (action, error) { return p.amount(add, number|sets, "ADD") }

func (p *parser) taking() (action, error) { return p.amount(take, sets, "DELETE") }

// amount is a path, and a value that is added to it or taken from it.
func (p *parser) amount(as verb, k kinds, name string) (action, error) {
	at, err := p.path()
	if err != nil {
		return action{}, err
	}
	if !strings.HasPrefix(p.token, ":") {
		return action{}, p.syntax()
	}
	o, err := p.plainOperand()
	p.check(o, k, name)
	return action{as, at, o}, err
}
