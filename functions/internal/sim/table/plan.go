package table

import (
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expressions are those of one request; those that it does not have are nil.
type expressions struct{ update, condition, filter, key *string }

// asked is a plan with the values of one request, as they are stored.
type asked struct {
	plan   *plan
	values attributes
	bytes  bool // there are some among them
}

// planned is what plans are remembered by: the expressions as text, and which index the keys are of.
type planned struct{ update, condition, filter, key, index string }

// library remembers plans, by what they were read from and then by the names that they were read with.
type library map[planned][]*plan

// Limits of a library: how many texts it remembers, and with how many sets of names each.
const (
	mostPlans = 4096
	mostNames = 16
)

// find is the plan that was read with these names, or nil.
func (l library) find(k planned, names map[string]string) *plan {
	for _, p := range l[k] {
		if len(p.names) == len(names) && !slices.ContainsFunc(p.names, func(u use) bool { return names[u.as] != u.name }) {
			return p
		}
	}
	return nil
}

// keep remembers a plan, and forgets others where there are too many.
func (l library) keep(k planned, p *plan) {
	if len(l[k]) == mostNames {
		delete(l, k)
	}
	if len(l) == mostPlans {
		clear(l)
	}
	l[k] = append(l[k], p)
}

// shared are the plans that all tables have met: a simulation makes a table for each history, and reads no expression twice.
var shared = struct {
	sync.Mutex
	library
}{library: library{}}

// plan reads the expressions of a request, or remembers how they were read, and refuses names and values that they do not
// use.
func (t *Table) plan(e expressions, on *schema, names map[string]string, values attributes) (asked, error) {
	if e == (expressions{}) {
		switch {
		case names != nil:
			return asked{}, invalid("ExpressionAttributeNames can only be specified when using expressions")
		case values != nil:
			return asked{}, invalid("ExpressionAttributeValues can only be specified when using expressions: all expressions are null")
		}
		return asked{plan: &plan{}}, nil
	}
	k := planned{}
	for _, s := range []struct {
		to   *string
		from *string
	}{{&k.update, e.update}, {&k.condition, e.condition}, {&k.filter, e.filter}, {&k.key, e.key}} {
		if s.from != nil {
			*s.to = *s.from
		}
	}
	if on != nil {
		k.index = on.index
	}
	p := t.plans.find(k, names)
	if p == nil {
		var err error
		if p, err = t.meet(k, e, on, names); err != nil {
			return asked{}, err
		}
	}
	if err := p.used(names, values); err != nil {
		return asked{}, err
	}
	stored, changed, err := admitAll(values, 1)
	if err != nil {
		return asked{}, err
	}
	return asked{p, stored, changed && haveBytes(stored)}, p.fit(stored)
}

// meet gives a plan that this table has not met.
func (t *Table) meet(k planned, e expressions, on *schema, names map[string]string) (*plan, error) {
	shared.Lock()
	defer shared.Unlock()
	p := shared.find(k, names)
	if p == nil {
		var err error
		if p, err = read(e, on, names); err != nil {
			return nil, err
		}
		p.moves = slices.ContainsFunc(p.actions, func(a action) bool {
			return slices.ContainsFunc(t.indexes, func(i *index) bool { return a.path[0].name == i.hash || a.path[0].name == i.sort })
		})
		shared.keep(k, p)
	}
	t.plans.keep(k, p)
	return p, nil
}

// read reads the expressions of a request.
func read(e expressions, on *schema, names map[string]string) (*plan, error) {
	p := &plan{}
	if e.update != nil {
		r := parser{plan: p, names: names}
		if err := r.start("UpdateExpression", *e.update); err != nil {
			return nil, err
		}
		if err := r.update(); err != nil {
			return nil, err
		}
	}
	for _, x := range []struct {
		what string
		from *string
	}{{"ConditionExpression", e.condition}, {"FilterExpression", e.filter}} {
		if x.from == nil {
			continue
		}
		r := parser{plan: p, names: names}
		if err := r.start(x.what, *x.from); err != nil {
			return nil, err
		}
		c, err := r.condition()
		if err != nil {
			return nil, err
		}
		p.condition = &c
	}
	if e.key != nil {
		r := parser{plan: p, names: names}
		if err := r.start("KeyConditionExpression", *e.key); err != nil {
			return nil, err
		}
		c, err := r.condition()
		if err != nil {
			return nil, err
		}
		if p.key, err = keyOf(c, on); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// used refuses names and values that are used and not there, or there and not used.
func (p *plan) used(names map[string]string, values attributes) error {
	switch {
	case names != nil && len(names) == 0:
		return invalid("ExpressionAttributeNames must not be empty")
	case values != nil && len(values) == 0:
		return invalid("ExpressionAttributeValues must not be empty")
	}
	for _, name := range p.values {
		if _, ok := values[name]; !ok {
			return invalidf("Invalid expression: An expression attribute value used in expression is not defined; attribute value: %s", name)
		}
	}
	if len(names) > len(p.names) {
		for _, name := range sorted(names) {
			if !slices.ContainsFunc(p.names, func(u use) bool { return u.as == name }) {
				return invalidf("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", name)
			}
		}
	}
	if len(values) > len(p.values) {
		for _, name := range sorted(values) {
			if !slices.Contains(p.values, name) {
				return invalidf("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", name)
			}
		}
	}
	return nil
}

// fit refuses values of a type that what is done with them does not take.
func (p *plan) fit(values attributes) error {
	for n := range p.checks {
		if c := &p.checks[n]; kindOf(values[c.name])&c.kinds == 0 {
			return invalidf("Invalid %s: Incorrect operand type for operator or function; operator or function: %s, operand type: %s", c.what, c.of, shortNames[kindOf(values[c.name])])
		}
	}
	for _, b := range p.bounds {
		order, ok := compare(values[b.low], values[b.high])
		if !ok {
			return invalidf("Invalid %s: The BETWEEN operator requires same data type for lower and upper bounds", b.what)
		}
		if order > 0 {
			return invalidf("Invalid %s: The BETWEEN operator requires upper bound to be greater than or equal to lower bound", b.what)
		}
	}
	return nil
}

// keyCondition is which part of a table or an index is asked for, and what of it; values are those of the request by name.
type keyCondition struct {
	hash string
	test test // of the sort key; none without args
	args []string
}

// keyOf reads the condition of a query.
func keyOf(c condition, on *schema) (k keyCondition, err error) {
	parts := []condition{c}
	if c.test == and && c.args == nil {
		parts = c.of
	}
	if len(parts) > 2 {
		return k, invalid("Invalid KeyConditionExpression: Conditions can be of length 1 or 2 only")
	}
	for _, part := range parts {
		if part.args == nil {
			return k, invalid("Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression")
		}
		switch part.test {
		case equals, less, lessOrEqual, greater, greaterOrEqual, between, beginsWith:
		default:
			return k, invalidf("Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: %s", testNames[part.test])
		}
		first, args := part.args[0], part.args[1:]
		if first.form == given && len(args) == 1 && args[0].form == atPath {
			turned, ok := map[test]test{equals: equals, less: greater, lessOrEqual: greaterOrEqual, greater: less, greaterOrEqual: lessOrEqual}[part.test]
			if ok {
				part.test, first, args = turned, args[0], []operand{first}
			}
		}
		if first.form != atPath || len(first.path) != 1 || slices.ContainsFunc(args, func(o operand) bool { return o.form != given }) {
			return k, invalid("Invalid KeyConditionExpression: Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition, or none")
		}
		names := make([]string, len(args))
		for n, a := range args {
			names[n] = a.name
		}
		switch name := first.path[0].name; {
		case name == on.hash && k.hash == "":
			if part.test != equals {
				return k, invalid("Query key condition not supported")
			}
			k.hash = names[0]
		case name == on.sort && k.args == nil:
			k.test, k.args = part.test, names
		case name == on.hash || name == on.sort:
			return k, invalid("Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key")
		case len(parts) == 2:
			return k, invalidf("Query condition missed key schema element: %s", on.sort)
		default:
			return k, invalidf("Query condition missed key schema element: %s", on.hash)
		}
	}
	if k.hash == "" {
		return k, invalidf("Query condition missed key schema element: %s", on.hash)
	}
	return k, nil
}

// textOf is a text; ok is false for any other value.
func textOf(v value) (s string, ok bool) {
	t, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return "", false
	}
	return t.Value, true
}
