package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What the console knows of the product's table (functions/internal/dynamo/doc.go). It only says how a thing is
// called, where it leads and in which order it is read: what it does not know it shows too.
var (
	// leadsTo is what the partition key begins with that an attribute's value is the rest of.
	leadsTo = map[string]string{"about": "F#", "asked": "F#", "refs": "F#", "practice": "P#", "person": "N#", "possible": "W#"}
	// reading is the order in which attributes are best read; others follow by name.
	reading = strings.Fields(`fault tries at by kind detail hash about choice title forenames surname oneName birthDate nhsNumber
		address postcode noAddress proxyName proxyCapacity practice notRegistered signedOn safe email phone format language
		reply outcome atLeast id channel v person possible print attempt facts events attempts`)
	practiceCode = regexp.MustCompile(`^[A-Z][0-9]{5}$`)
)

const referenceLength = 17

// field is something with a name.
type field struct {
	Name  string
	Value shown
}

// shown is a value as a person reads it: a text, lines, fields or a table.
type shown struct {
	Text   string
	Whole  string   // what Text is the beginning of, if it is not all
	To     *itemKey // the item that Text names
	Lines  []shown
	Fields []field
	Table  *table
}

// table is a list of maps. A cell has the name of its column.
type table struct {
	Columns []string
	Rows    [][]field
}

// itemView is an item as a person reads it.
type itemView struct {
	itemKey
	Title    string
	Fields   []field
	Sections []field
}

// itemsPage is a page of the browser: what there is in a partition, or which partitions there are.
type itemsPage struct {
	Asked, PK string
	Unknown   string
	Items     []itemView
	Waiting   *field // the list of a practice
	Keys      []itemKey
	Next      *itemKey
}

// items looks into the table; the console shows the first of the template.
func (c *console) items() (tableItems, error) {
	if len(c.plan.tables) == 0 {
		return tableItems{}, errors.New("the template has no table")
	}
	return tableItems{db: c.runner.engine.db, table: c.plan.tables[0]}, nil
}

// afterKey is where a request wants a page of keys to begin.
func afterKey(r *http.Request) *itemKey {
	if r.FormValue("after-pk") == "" {
		return nil
	}
	return &itemKey{r.FormValue("after-pk"), r.FormValue("after-sk")}
}

// itemsJSON answers the items of a partition, or a page of keys.
func (c *console) itemsJSON(w http.ResponseWriter, r *http.Request) {
	t, err := c.items()
	var out any
	switch {
	case err != nil:
	case r.FormValue("pk") != "":
		items := []map[string]any{}
		var found []tableItem
		found, err = t.partition(r.Context(), r.FormValue("pk"))
		for _, i := range found {
			items = append(items, plainMap(i))
		}
		out = items
	default:
		var page struct {
			Keys []itemKey `json:"keys"`
			Next *itemKey  `json:"next"`
		}
		page.Keys, page.Next, err = t.page(r.Context(), afterKey(r))
		page.Keys = notNil(page.Keys)
		out = page
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, out)
}

// showItems answers what a person asks for in their own words (of), what a link names exactly (pk), or a page of keys.
func (c *console) showItems(w http.ResponseWriter, r *http.Request) {
	p := itemsPage{Asked: strings.TrimSpace(r.FormValue("of")), PK: r.FormValue("pk")}
	if p.PK == "" && p.Asked != "" {
		p.PK = meant(p.Asked)
	}
	t, err := c.items()
	switch {
	case err != nil:
	case p.PK == "":
		p.Keys, p.Next, err = t.page(r.Context(), afterKey(r))
	default:
		err = t.browse(r.Context(), &p)
	}
	code := http.StatusOK
	switch {
	case err != nil:
		c.fail(w, r, http.StatusInternalServerError, err)
		return
	case p.PK != "" && len(p.Items) == 0 && p.Waiting == nil:
		p.Unknown, code = unknown(orText(p.Asked, p.PK), p.PK), http.StatusNotFound
	}
	p.Asked = orText(p.Asked, p.PK)
	c.page(w, code, "items", p)
}

// meant is the partition key of what a person asks for: a reference as people copy it, the code of a practice, or
// the key itself.
func meant(asked string) string {
	if strings.Contains(asked, "#") {
		return asked
	}
	characters := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, asked)
	if practiceCode.MatchString(characters) {
		return "P#" + characters
	}
	return "F#" + strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(characters)
}

// unknown says that there is nothing.
func unknown(asked, pk string) string {
	kind, id, _ := strings.Cut(pk, "#")
	switch {
	case kind == "F" && len(id) == referenceLength:
		return "There is no form with the reference " + grouped(id) + "."
	case kind == "P" && practiceCode.MatchString(id):
		return "There is nothing about the practice " + id + "."
	case asked != pk:
		return fmt.Sprintf("There is nothing for “%s”. A reference has %d letters and digits, the code of a practice is a letter and five digits.", asked, referenceLength)
	}
	return "There is no item with the partition key " + pk + "."
}

// grouped is a reference as it is read.
func grouped(reference string) string {
	if len(reference) != referenceLength {
		return reference
	}
	var groups []string
	for g := range slices.Chunk([]byte(reference), 4) {
		groups = append(groups, string(g))
	}
	return strings.Join(groups, "-")
}

// browse reads a partition and what belongs to it.
func (t tableItems) browse(ctx context.Context, p *itemsPage) error {
	items, err := t.partition(ctx, p.PK)
	if err != nil {
		return err
	}
	for _, i := range items {
		v, err := t.view(ctx, i)
		if err != nil {
			return err
		}
		p.Items = append(p.Items, v)
	}
	if code, ok := strings.CutPrefix(p.PK, "P#"); ok {
		p.Waiting, err = t.waiting(ctx, code)
	}
	return err
}

// waiting is the list of a practice, nil if there is none.
func (t tableItems) waiting(ctx context.Context, code string) (*field, error) {
	n := slices.IndexFunc(t.table.GlobalSecondaryIndexes, func(x tableIndex) bool { return x.IndexName == "list" })
	if n < 0 {
		return nil, nil
	}
	keys, err := t.entries(ctx, t.table.GlobalSecondaryIndexes[n], "L#"+code)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	f := field{Name: fmt.Sprintf("On the list of %s: %d", code, len(keys))}
	for _, k := range keys[:min(len(keys), itemsPerPage)] {
		f.Value.Lines = append(f.Value.Lines, shown{Text: title(k), To: &k})
	}
	if more := len(keys) - itemsPerPage; more > 0 {
		f.Value.Lines = append(f.Value.Lines, shown{Text: fmt.Sprintf("and %d more", more)})
	}
	return &f, nil
}

// title is what an item is.
func title(k itemKey) string {
	kind, id, _ := strings.Cut(k.PK, "#")
	switch {
	case kind == "F":
		return "Form " + grouped(id)
	case kind == "N":
		return "Person"
	case kind == "W":
		return "Possible person"
	case kind == "P" && k.SK == "D":
		return "Practice " + id + ": digest"
	case kind == "P" && k.SK == "P":
		return "Practice " + id + ": address"
	}
	return k.PK
}

// view is an item with where it stands in the indexes, the forms of its person, and the digests of its practices.
func (t tableItems) view(ctx context.Context, item tableItem) (itemView, error) {
	v := itemView{itemKey: t.key(item), Title: title(t.key(item))}
	rest := maps.Clone(item)
	delete(rest, t.table.partitionKey())
	delete(rest, t.table.sortKey())
	var stands []field
	for _, x := range t.table.GlobalSecondaryIndexes {
		place, err := t.place(ctx, x, item)
		if err != nil {
			return v, err
		}
		if len(place.Lines) > 0 {
			delete(rest, x.KeySchema.attribute("HASH"))
			delete(rest, x.KeySchema.attribute("RANGE"))
		}
		stands = append(stands, field{x.IndexName, place})
	}
	for _, f := range fieldsOf(rest) {
		if f.Value.Fields != nil || f.Value.Table != nil {
			v.Sections = append(v.Sections, f)
		} else {
			v.Fields = append(v.Fields, f)
		}
	}
	digests := v.digests()
	if len(stands) > 0 {
		v.Sections = append(v.Sections, field{"where it stands", shown{Fields: stands}})
	}
	for _, about := range []struct{ attribute, name string }{{"person", "forms of the person"}, {"possible", "forms of the possible person"}} {
		to := show(about.attribute, item[about.attribute]).To
		if to == nil {
			continue
		}
		forms, err := t.forms(ctx, to.PK, v.PK)
		if err != nil {
			return v, err
		}
		v.Sections = append(v.Sections, field{about.name, forms})
	}
	if len(digests) > 0 {
		v.Sections = append(v.Sections, field{"practice", shown{Lines: digests}})
	}
	return v, nil
}

// place is where an item stands in an index.
func (t tableItems) place(ctx context.Context, x tableIndex, item tableItem) (shown, error) {
	pk, listed := item[x.KeySchema.attribute("HASH")].(*types.AttributeValueMemberS)
	sk, sorted := item[x.KeySchema.attribute("RANGE")].(*types.AttributeValueMemberS)
	if !listed || !sorted {
		return shown{Text: "not there"}, nil
	}
	keys, err := t.entries(ctx, x, pk.Value)
	if err != nil {
		return shown{}, err
	}
	place := shown{Text: fmt.Sprintf("place %d of %d", slices.Index(keys, t.key(item))+1, len(keys))}
	if !slices.Contains(keys, t.key(item)) {
		place.Text = "the index does not show it yet"
	}
	whose := shown{Text: pk.Value}
	if code, ok := strings.CutPrefix(pk.Value, "L#"); ok && practiceCode.MatchString(code) {
		whose.To = &itemKey{PK: "P#" + code}
	}
	return shown{Lines: []shown{whose, {Text: sk.Value}, place}}, nil
}

// forms are the references in a partition of a person, seen from one of them.
func (t tableItems) forms(ctx context.Context, pk, own string) (forms shown, err error) {
	items, err := t.partition(ctx, pk)
	for _, i := range items {
		forms.Lines = append(forms.Lines, show("refs", i["refs"]).Lines...)
	}
	for n, line := range forms.Lines {
		if line.To != nil && line.To.PK == own {
			forms.Lines[n] = shown{Text: line.Text + ", this one"}
		}
	}
	return forms, err
}

// digests lead to the digest of each practice that the item names, but for its own.
func (v itemView) digests() (lines []shown) {
	var walk func(shown)
	walk = func(s shown) {
		if s.To != nil && strings.HasPrefix(s.To.PK, "P#") && s.To.PK != v.PK {
			digest := shown{Text: "Digest of " + s.Text, To: &itemKey{s.To.PK, "D"}}
			if !slices.ContainsFunc(lines, func(l shown) bool { return *l.To == *digest.To }) {
				lines = append(lines, digest)
			}
		}
		for _, l := range s.Lines {
			walk(l)
		}
		for _, f := range s.Fields {
			walk(f.Value)
		}
		if s.Table != nil {
			for _, row := range s.Table.Rows {
				walk(shown{Fields: row})
			}
		}
	}
	walk(shown{Fields: slices.Concat(v.Fields, v.Sections)})
	return lines
}

// fieldsOf are attributes in the order in which they are read.
func fieldsOf(m tableItem) (fields []field) {
	for _, name := range inOrder(slices.Collect(maps.Keys(m))) {
		fields = append(fields, field{name, show(name, m[name])})
	}
	return fields
}

func inOrder(names []string) []string {
	slices.Sort(names)
	rank := func(name string) int {
		if n := slices.Index(reading, name); n >= 0 {
			return n
		}
		return len(reading)
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return slices.Compact(names)
}

// show makes of an attribute what a person reads.
func show(name string, v types.AttributeValue) shown {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		s := shown{Text: v.Value}
		if prefix := leadsTo[name]; prefix != "" && v.Value != "" {
			s.To = &itemKey{PK: prefix + v.Value}
			if prefix == "F#" {
				s.Text = grouped(v.Value)
			}
		}
		return s
	case *types.AttributeValueMemberB:
		whole := hex.EncodeToString(v.Value)
		if name == "hash" && len(whole) > 8 {
			return shown{Text: whole[:8], Whole: whole}
		}
		return shown{Text: whole}
	case *types.AttributeValueMemberM:
		return shown{Fields: fieldsOf(v.Value)}
	case *types.AttributeValueMemberL:
		if t := tableOf(v.Value); t != nil {
			return shown{Table: t}
		}
		var lines []shown
		for _, x := range v.Value {
			lines = append(lines, show(name, x))
		}
		return shown{Lines: lines}
	case *types.AttributeValueMemberSS:
		return show(name, listOf(slices.Sorted(slices.Values(v.Value)), func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }))
	case *types.AttributeValueMemberNS:
		return show(name, listOf(v.Value, func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }))
	case *types.AttributeValueMemberBS:
		return show(name, listOf(v.Value, func(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }))
	case *types.AttributeValueMemberNULL:
		return shown{Text: "null"}
	}
	return shown{Text: fmt.Sprint(plain(v))} // a number or a truth
}

// listOf makes a list of a set.
func listOf[T any](set []T, element func(T) types.AttributeValue) types.AttributeValue {
	l := &types.AttributeValueMemberL{}
	for _, x := range set {
		l.Value = append(l.Value, element(x))
	}
	return l
}

// tableOf makes a table of a list that has only maps; nil: it is no such list.
func tableOf(list []types.AttributeValue) *table {
	var names []string
	var rows []tableItem
	for _, v := range list {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok {
			return nil
		}
		rows, names = append(rows, m.Value), slices.AppendSeq(names, maps.Keys(m.Value))
	}
	if len(rows) == 0 {
		return nil
	}
	t := &table{Columns: append([]string{"seq"}, inOrder(names)...)}
	for n, m := range rows {
		row := []field{{"seq", shown{Text: fmt.Sprint(n + 1)}}}
		for _, name := range t.Columns[1:] {
			cell := field{name, shown{Text: "–"}}
			if v, ok := m[name]; ok {
				cell.Value = show(name, v)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
