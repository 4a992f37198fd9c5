package table

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type (
	value = types.AttributeValue
	attrs = map[string]value
	env   struct {
		item   attrs
		names  map[string]string
		values attrs
	}
	operand func(*env) value // nil: it is not there
	truth   func(*env) bool
	change  func(e *env, to attrs)
)

func tokens(s string) (all []string) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n':
			i++
		case strings.IndexByte("(),=+-", c) >= 0:
			all = append(all, s[i:i+1])
			i++
		case c == '<' || c == '>':
			n := 1
			if i+1 < len(s) && (s[i+1] == '=' || c == '<' && s[i+1] == '>') {
				n = 2
			}
			all = append(all, s[i:i+n])
			i += n
		default:
			j := i
			for j < len(s) && strings.IndexByte(" \t\n(),=+-<>", s[j]) < 0 {
				j++
			}
			all = append(all, s[i:j])
			i = j
		}
	}
	return all
}

type parser struct {
	toks []string
}

func (p *parser) peek() string {
	if len(p.toks) == 0 {
		return ""
	}
	return p.toks[0]
}

func (p *parser) next() string {
	t := p.peek()
	if len(p.toks) > 0 {
		p.toks = p.toks[1:]
	}
	return t
}

func (p *parser) is(word string) bool {
	if strings.EqualFold(p.peek(), word) {
		p.next()
		return true
	}
	return false
}

func (p *parser) must(t string) {
	if got := p.next(); got != t {
		panic(fmt.Errorf("expression: %q where %q should be", got, t))
	}
}

func path(name string) func(*env) string {
	if strings.HasPrefix(name, "#") {
		return func(e *env) string {
			n, ok := e.names[name]
			if !ok {
				panic(fmt.Errorf("no name %s", name))
			}
			return n
		}
	}
	return func(*env) string { return name }
}

func (p *parser) operand() operand {
	t := p.next()
	switch {
	case strings.HasPrefix(t, ":"):
		return func(e *env) value {
			v, ok := e.values[t]
			if !ok {
				panic(fmt.Errorf("no value %s", t))
			}
			return v
		}
	case p.peek() == "(":
		p.next()
		switch t {
		case "if_not_exists":
			at := path(p.next())
			p.must(",")
			other := p.sum()
			p.must(")")
			return func(e *env) value {
				if v := e.item[at(e)]; v != nil {
					return v
				}
				return other(e)
			}
		case "list_append":
			a := p.operand()
			p.must(",")
			b := p.operand()
			p.must(")")
			return func(e *env) value {
				x, ok := a(e).(*types.AttributeValueMemberL)
				y, ok2 := b(e).(*types.AttributeValueMemberL)
				if !ok || !ok2 {
					panic(fmt.Errorf("list_append of no list"))
				}
				return &types.AttributeValueMemberL{Value: append(x.Value[:len(x.Value):len(x.Value)], y.Value...)}
			}
		case "size":
			a := p.operand()
			p.must(")")
			return func(e *env) value {
				n := 0
				switch v := a(e).(type) {
				case *types.AttributeValueMemberL:
					n = len(v.Value)
				case *types.AttributeValueMemberS:
					n = len(v.Value)
				case *types.AttributeValueMemberM:
					n = len(v.Value)
				case *types.AttributeValueMemberB:
					n = len(v.Value)
				default:
					return nil
				}
				return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
			}
		}
		panic(fmt.Errorf("expression: nothing is known about %s", t))
	}
	at := path(t)
	return func(e *env) value { return e.item[at(e)] }
}

func (p *parser) sum() operand {
	a := p.operand()
	for {
		switch p.peek() {
		case "+", "-":
			sign := 1
			if p.next() == "-" {
				sign = -1
			}
			x, y := a, p.operand()
			a = func(e *env) value { return number(num(x(e)) + sign*num(y(e))) }
		default:
			return a
		}
	}
}

func num(v value) int {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		panic(fmt.Errorf("%T is no number", v))
	}
	i, err := strconv.Atoi(n.Value)
	if err != nil {
		panic(err)
	}
	return i
}

func number(n int) value { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }

func (p *parser) or() truth {
	a := p.and()
	for p.is("OR") {
		x, y := a, p.and()
		a = func(e *env) bool { return x(e) || y(e) }
	}
	return a
}

func (p *parser) and() truth {
	a := p.not()
	for p.is("AND") {
		x, y := a, p.not()
		a = func(e *env) bool { return x(e) && y(e) }
	}
	return a
}

func (p *parser) not() truth {
	if p.is("NOT") {
		a := p.not()
		return func(e *env) bool { return !a(e) }
	}
	if p.peek() == "(" {
		p.next()
		a := p.or()
		p.must(")")
		return a
	}
	switch strings.ToLower(p.peek()) {
	case "attribute_exists", "attribute_not_exists":
		wanted := strings.ToLower(p.next()) == "attribute_exists"
		p.must("(")
		at := path(p.next())
		p.must(")")
		return func(e *env) bool { return (e.item[at(e)] != nil) == wanted }
	case "begins_with":
		p.next()
		p.must("(")
		a := p.operand()
		p.must(",")
		b := p.operand()
		p.must(")")
		return func(e *env) bool {
			x, ok := a(e).(*types.AttributeValueMemberS)
			return ok && strings.HasPrefix(x.Value, text(b(e)))
		}
	}
	a := p.operand()
	if p.is("BETWEEN") {
		lo := p.operand()
		if !p.is("AND") {
			panic(fmt.Errorf("BETWEEN without AND"))
		}
		hi := p.operand()
		return func(e *env) bool {
			c, ok := compare(a(e), lo(e))
			d, ok2 := compare(a(e), hi(e))
			return ok && ok2 && c >= 0 && d <= 0
		}
	}
	op := p.next()
	b := p.operand()
	return func(e *env) bool {
		x, y := a(e), b(e)
		c, ok := compare(x, y)
		switch op {
		case "=":
			return ok && c == 0
		case "<>":
			return !ok || c != 0
		case "<":
			return ok && c < 0
		case "<=":
			return ok && c <= 0
		case ">":
			return ok && c > 0
		case ">=":
			return ok && c >= 0
		}
		panic(fmt.Errorf("expression: nothing is known about %q", op))
	}
}

func compare(a, b value) (int, bool) {
	switch x := a.(type) {
	case *types.AttributeValueMemberS:
		y, ok := b.(*types.AttributeValueMemberS)
		if !ok {
			return 0, false
		}
		return strings.Compare(x.Value, y.Value), true
	case *types.AttributeValueMemberN:
		if _, ok := b.(*types.AttributeValueMemberN); !ok {
			return 0, false
		}
		return num(a) - num(b), true
	case *types.AttributeValueMemberBOOL:
		y, ok := b.(*types.AttributeValueMemberBOOL)
		if !ok {
			return 0, false
		}
		if x.Value == y.Value {
			return 0, true
		}
		return 1, true
	}
	return 0, false
}

func (p *parser) update() (all []change) {
	for len(p.toks) > 0 {
		switch clause := strings.ToUpper(p.next()); clause {
		case "SET":
			for {
				at := path(p.next())
				p.must("=")
				v := p.sum()
				all = append(all, func(e *env, to attrs) {
					x := v(e)
					if x == nil {
						panic(fmt.Errorf("an attribute that is not there"))
					}
					to[at(e)] = x
				})
				if p.peek() != "," {
					break
				}
				p.next()
			}
		case "REMOVE":
			for {
				at := path(p.next())
				all = append(all, func(e *env, to attrs) { delete(to, at(e)) })
				if p.peek() != "," {
					break
				}
				p.next()
			}
		case "ADD":
			for {
				at, v := path(p.next()), p.operand()
				all = append(all, func(e *env, to attrs) {
					n := num(v(e))
					if old := e.item[at(e)]; old != nil {
						n += num(old)
					}
					to[at(e)] = number(n)
				})
				if p.peek() != "," {
					break
				}
				p.next()
			}
		default:
			panic(fmt.Errorf("expression: nothing is known about %s", clause))
		}
	}
	return all
}

func text(v value) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
