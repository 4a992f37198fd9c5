package table

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// at is the value at a path of an item; nil where there is none.
func at(item attributes, p path) value {
	v := item[p[0].name]
	for _, s := range p[1:] {
		switch in := v.(type) {
		case *types.AttributeValueMemberM:
			if s.name == "" {
				return nil
			}
			v = in.Value[s.name]
		case *types.AttributeValueMemberL:
			if s.name != "" || s.index >= len(in.Value) {
				return nil
			}
			v = in.Value[s.index]
		default:
			return nil
		}
	}
	return v
}

// compared is an operand of a condition; nil where there is none.
func compared(o operand, item, values attributes) value {
	switch o.form {
	case given:
		return values[o.name]
	case length:
		n, ok := lengthOf(compared(o.args[0], item, values))
		if !ok {
			return nil
		}
		return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
	}
	return at(item, o.path)
}

// holds says whether a condition holds for an item, which is nil if there is none.
func (c *condition) holds(item, values attributes) bool {
	switch c.test {
	case and:
		for n := range c.of {
			if !c.of[n].holds(item, values) {
				return false
			}
		}
		return true
	case or:
		for n := range c.of {
			if c.of[n].holds(item, values) {
				return true
			}
		}
		return false
	case not:
		return !c.of[0].holds(item, values)
	case exists:
		return at(item, c.args[0].path) != nil
	case notExists:
		return at(item, c.args[0].path) == nil
	}
	first := compared(c.args[0], item, values)
	switch c.test {
	case between:
		low, okLow := compare(first, compared(c.args[1], item, values))
		high, okHigh := compare(first, compared(c.args[2], item, values))
		return okLow && okHigh && low >= 0 && high <= 0
	case in:
		return first != nil && slices.ContainsFunc(c.args[1:], func(o operand) bool { return equal(first, compared(o, item, values)) })
	}
	second := compared(c.args[1], item, values)
	switch c.test {
	case equals:
		return first != nil && equal(first, second)
	case differs:
		return first == nil || second == nil || !equal(first, second)
	case hasType:
		name, _ := second.(*types.AttributeValueMemberS)
		return first != nil && name != nil && shortNames[kindOf(first)] == name.Value
	case beginsWith:
		return begins(first, second)
	case contains:
		return containing(first, second)
	}
	order, ok := compare(first, second)
	switch c.test {
	case less:
		return ok && order < 0
	case lessOrEqual:
		return ok && order <= 0
	case greater:
		return ok && order > 0
	}
	return ok && order >= 0
}

func begins(v, with value) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		with, ok := with.(*types.AttributeValueMemberS)
		return ok && strings.HasPrefix(v.Value, with.Value)
	case *types.AttributeValueMemberB:
		with, ok := with.(*types.AttributeValueMemberB)
		return ok && bytes.HasPrefix(v.Value, with.Value)
	}
	return false
}

// containing says that a text has a part, or a set or list an element.
func containing(v, part value) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		part, ok := part.(*types.AttributeValueMemberS)
		return ok && strings.Contains(v.Value, part.Value)
	case *types.AttributeValueMemberB:
		part, ok := part.(*types.AttributeValueMemberB)
		return ok && bytes.Contains(v.Value, part.Value)
	case *types.AttributeValueMemberL:
		return part != nil && slices.ContainsFunc(v.Value, func(e value) bool { return equal(e, part) })
	case *types.AttributeValueMemberSS:
		part, ok := part.(*types.AttributeValueMemberS)
		return ok && slices.Contains(v.Value, part.Value)
	case *types.AttributeValueMemberNS:
		part, ok := part.(*types.AttributeValueMemberN)
		return ok && slices.Contains(v.Value, part.Value)
	case *types.AttributeValueMemberBS:
		part, ok := part.(*types.AttributeValueMemberB)
		return ok && slices.ContainsFunc(v.Value, func(b []byte) bool { return bytes.Equal(b, part.Value) })
	}
	return false
}

// Refusals of an update by what is in the item.
var (
	errMissing = invalid("The provided expression refers to an attribute that does not exist in the item")
	errOperand = invalid("An operand in the update expression has an incorrect data type")
	errPath    = invalid("The document path provided in the update expression is invalid for update")
	errAmount  = invalid("Type mismatch for attribute to update")
)

// result is what an operand of an update comes to.
func result(o operand, item, values attributes) (value, error) {
	switch o.form {
	case given:
		return values[o.name], nil
	case ifNotExists:
		if v := at(item, o.args[0].path); v != nil {
			return v, nil
		}
		return result(o.args[1], item, values)
	case listAppend, plus, minus:
		a, err := result(o.args[0], item, values)
		if err != nil {
			return nil, err
		}
		b, err := result(o.args[1], item, values)
		if err != nil {
			return nil, err
		}
		if o.form == listAppend {
			x, ok := a.(*types.AttributeValueMemberL)
			y, okY := b.(*types.AttributeValueMemberL)
			if !ok || !okY {
				return nil, errOperand
			}
			return &types.AttributeValueMemberL{Value: slices.Concat(x.Value, y.Value)}, nil
		}
		x, ok := a.(*types.AttributeValueMemberN)
		y, okY := b.(*types.AttributeValueMemberN)
		if !ok || !okY {
			return nil, errOperand
		}
		n, err := sum(x.Value, y.Value, o.form == minus)
		return &types.AttributeValueMemberN{Value: n}, err
	}
	if v := at(item, o.path); v != nil {
		return v, nil
	}
	return nil, errMissing
}

// added is what ADD makes of a value, nil if there is none.
func added(to, by value) (value, error) {
	if to == nil {
		return by, nil
	}
	switch by := by.(type) {
	case *types.AttributeValueMemberN:
		if to, ok := to.(*types.AttributeValueMemberN); ok {
			n, err := sum(to.Value, by.Value, false)
			return &types.AttributeValueMemberN{Value: n}, err
		}
	case *types.AttributeValueMemberSS:
		if to, ok := to.(*types.AttributeValueMemberSS); ok {
			return &types.AttributeValueMemberSS{Value: union(to.Value, by.Value, same2[string])}, nil
		}
	case *types.AttributeValueMemberNS:
		if to, ok := to.(*types.AttributeValueMemberNS); ok {
			return &types.AttributeValueMemberNS{Value: union(to.Value, by.Value, same2[string])}, nil
		}
	case *types.AttributeValueMemberBS:
		if to, ok := to.(*types.AttributeValueMemberBS); ok {
			return &types.AttributeValueMemberBS{Value: union(to.Value, by.Value, bytes.Equal)}, nil
		}
	}
	return nil, errAmount
}

// taken is what DELETE leaves of a value; nil for nothing.
func taken(from, by value) (value, error) {
	if from == nil {
		return nil, nil
	}
	switch by := by.(type) {
	case *types.AttributeValueMemberSS:
		if from, ok := from.(*types.AttributeValueMemberSS); ok {
			if left := minusSet(from.Value, by.Value, same2[string]); len(left) > 0 {
				return &types.AttributeValueMemberSS{Value: left}, nil
			}
			return nil, nil
		}
	case *types.AttributeValueMemberNS:
		if from, ok := from.(*types.AttributeValueMemberNS); ok {
			if left := minusSet(from.Value, by.Value, same2[string]); len(left) > 0 {
				return &types.AttributeValueMemberNS{Value: left}, nil
			}
			return nil, nil
		}
	case *types.AttributeValueMemberBS:
		if from, ok := from.(*types.AttributeValueMemberBS); ok {
			if left := minusSet(from.Value, by.Value, bytes.Equal); len(left) > 0 {
				return &types.AttributeValueMemberBS{Value: left}, nil
			}
			return nil, nil
		}
	}
	return nil, errAmount
}

func same2[T comparable](a, b T) bool { return a == b }

func union[T any](a, b []T, equal func(x, y T) bool) []T {
	all := slices.Clone(a)
	for _, y := range b {
		if !slices.ContainsFunc(a, func(x T) bool { return equal(x, y) }) {
			all = append(all, y)
		}
	}
	return all
}

func minusSet[T any](a, b []T, equal func(x, y T) bool) (left []T) {
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y T) bool { return equal(x, y) }) {
			left = append(left, x)
		}
	}
	return left
}

// placed is a value with another one at a path inside it, or without what is there if the other is nil. What lies on the way
// is copied.
func placed(in value, p path, other value) (value, error) {
	if len(p) == 0 {
		return other, nil
	}
	switch in := in.(type) {
	case *types.AttributeValueMemberM:
		if p[0].name == "" {
			return nil, errPath
		}
		old, there := in.Value[p[0].name]
		if !there && len(p) > 1 {
			return nil, errPath
		}
		v, err := placed(old, p[1:], other)
		if err != nil {
			return nil, err
		}
		copied := maps.Clone(in.Value)
		if v == nil {
			delete(copied, p[0].name)
		} else {
			if copied == nil {
				copied = attributes{}
			}
			copied[p[0].name] = v
		}
		return &types.AttributeValueMemberM{Value: copied}, nil
	case *types.AttributeValueMemberL:
		if p[0].name != "" {
			return nil, errPath
		}
		there := p[0].index < len(in.Value)
		switch {
		case !there && len(p) > 1:
			return nil, errPath
		case !there && other == nil:
			return in, nil
		case !there:
			return &types.AttributeValueMemberL{Value: append(slices.Clone(in.Value), other)}, nil
		}
		v, err := placed(in.Value[p[0].index], p[1:], other)
		if err != nil {
			return nil, err
		}
		copied := slices.Clone(in.Value)
		if v == nil {
			copied = slices.Delete(copied, p[0].index, p[0].index+1)
		} else {
			copied[p[0].index] = v
		}
		return &types.AttributeValueMemberL{Value: copied}, nil
	}
	return nil, errPath
}

// apply gives an item as an update leaves it; all that is stored comes from what the item was before. changed says that
// something is not as it was.
func (p *plan) apply(item, values attributes) (next attributes, changed bool, err error) {
	next = maps.Clone(item)
	var inside []deep
	for n := range p.actions {
		a := &p.actions[n]
		var to value
		switch a.verb {
		case set:
			to, err = result(a.to, item, values)
		case add:
			to, err = added(at(item, a.path), values[a.to.name])
		case take:
			to, err = taken(at(item, a.path), values[a.to.name])
		}
		if err != nil {
			return nil, false, err
		}
		if len(a.path) > 1 {
			inside = append(inside, deep{a.path, to})
			continue
		}
		name := a.path[0].name
		old := item[name]
		changed = changed || !equal(old, to)
		if to == nil {
			delete(next, name)
		} else {
			next[name] = to
		}
	}
	if len(inside) > 0 {
		slices.SortStableFunc(inside, deep.before)
		for _, d := range inside {
			name := d.path[0].name
			v, err := placed(next[name], d.path[1:], d.to)
			if err != nil {
				return nil, false, err
			}
			next[name] = v
			changed = changed || !equal(item[name], v)
		}
	}
	return next, changed, nil
}

// deep is what an update stores inside a value, nil if it takes something out.
type deep struct {
	path path
	to   value
}

// before says that what is stored goes first, as lists grow, and then what is taken out, from the end of lists.
func (d deep) before(o deep) int {
	if (d.to == nil) != (o.to == nil) {
		if d.to == nil {
			return 1
		}
		return -1
	}
	order := d.path[len(d.path)-1].index - o.path[len(o.path)-1].index
	if d.to == nil {
		return -order
	}
	return order
}
