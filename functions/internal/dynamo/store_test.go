package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/worklist"
)

// Of all that the store writes, counters, claims and sessions are the only items with the attribute by which DynamoDB
// deletes. They hold nothing but a count, who is at work until when, or that they are open, beside it.
func TestTheStoreConformsAndOnlyCountersClaimsAndSessionsExpire(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	s := dynamo.New(c, table)
	t.Run("conforms", func(t *testing.T) {
		optouttest.Conformance(t, func(*testing.T) optouttest.Subject {
			return optouttest.Subject{Store: s, Counter: s, Worklist: s, Uploads: s, Books: s, Sessions: s, Clients: s, Possible: func(ctx context.Context, k optout.PersonKey) ([]optout.Reference, error) {
				return possible(ctx, c, table, "W#"+string(k))
			}}
		})
	})
	seen := map[string]int{}
	for pages := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: &table}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			noun, _, _ := strings.Cut(i["PK"].(*types.AttributeValueMemberS).Value, "#")
			sort, _, _ := strings.Cut(i["SK"].(*types.AttributeValueMemberS).Value, "#")
			kind := noun + " " + sort
			seen[kind]++
			expires := i["expires"]
			holds, may := mayExpire[kind]
			if !may {
				if expires != nil {
					t.Errorf("an item %s expires", kind)
				}
				continue
			}
			if at, ok := expires.(*types.AttributeValueMemberN); !ok || len(at.Value) != len("1795348800") {
				t.Errorf("an item %s expires at %v", kind, expires)
			}
			if kind == "Q Q" && i["n"] == nil {
				t.Error("a counter counts nothing")
			}
			for name := range i {
				if !slices.Contains(append(holds, "PK", "SK", "expires"), name) {
					t.Errorf("an item %s has the attribute %s", kind, name)
				}
			}
		}
	}
	kinds := []string{"B B", "B I", "C C", "F C", "F F", "F I", "F L", "H H", "N P", "P D", "P P", "P X", "Q Q", "S S", "T T", "U U", "W P"}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, kinds) {
		t.Errorf("items of the kinds %v were written, want %v", got, kinds)
	}
}

// mayExpire are the kinds of items that may, and what they hold.
var mayExpire = map[string][]string{"Q Q": {"n"}, "F C": {"by", "until"}, "S S": {"open"}}

func TestFormsOfOnePersonEndAlikeOnTheEngineToo(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	store := dynamo.New(c, dynamotest.Table(t, c))
	optouttest.Linking(t, func(*testing.T) optout.Store { return store }, 200)
}

func TestTwoClerksAtOnceDoAThingOnceOnTheEngineToo(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	store := dynamo.New(c, dynamotest.Table(t, c))
	optouttest.Clerks(t, store, store, 10)
}

func TestSixteenAtOnePieceLeaveBooksThatAddUpOnTheEngineToo(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	store := dynamo.New(c, dynamotest.Table(t, c))
	optouttest.MailClerks(t, store, store, 10)
}

// possible reads a possible person's list as the table has it.
func possible(ctx context.Context, c *dynamodb.Client, table, pk string) (refs []optout.Reference, err error) {
	out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, ConsistentRead: aws.Bool(true), Key: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: "P"},
	}})
	if err != nil {
		return nil, err
	}
	list, _ := out.Item["refs"].(*types.AttributeValueMemberL)
	if list == nil {
		return nil, nil
	}
	for _, a := range list.Value {
		r, err := optout.ParseReference(a.(*types.AttributeValueMemberS).Value)
		if err != nil {
			return nil, err
		}
		refs = append(refs, r)
	}
	return refs, nil
}

// spy looks at every input of the store.
func spy(c *dynamodb.Client, see func(any)) *dynamodb.Client {
	return dynamodb.New(c.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Initialize.Add(middleware.InitializeMiddlewareFunc("spy", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				see(in.Parameters)
				return next.HandleInitialize(ctx, in)
			}), middleware.Before)
		})
	})
}

func registered(t *testing.T, s optout.Store, n int) optout.Form {
	t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber, a.Subject.Surname = "", fmt.Sprintf("Name%c%c", 'a'+n%26, 'a'+n/26)
	f := optout.Registrar{Keys: optouttest.Keys{}, Now: func() time.Time { return optouttest.Noon }}.NewForm(optouttest.Online(""), a, optouttest.Accepted(a))
	if _, err := s.Register(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestItemsAreReadStrongly(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	reads := 0
	s := dynamo.New(spy(c, func(in any) {
		switch p := in.(type) {
		case *dynamodb.GetItemInput:
			reads++
			if !aws.ToBool(p.ConsistentRead) {
				t.Error("an item is read as it may have been")
			}
		case *dynamodb.QueryInput:
			reads++
			if p.IndexName == nil && !aws.ToBool(p.ConsistentRead) {
				t.Error("a partition is read as it may have been")
			}
		}
	}), table)
	f := registered(t, s, 0)
	if _, err := s.Form(t.Context(), f.Reference); err != nil {
		t.Error(err)
	}
	if _, err := s.Practice(t.Context(), f.Facts.Practice); err != nil {
		t.Error(err)
	}
	if _, err := s.Counted(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if _, err := s.Claimed(t.Context(), []optout.Reference{f.Reference}, optouttest.Noon); err != nil {
		t.Error(err)
	}
	for range s.Looks(t.Context(), f.Reference) {
		t.Error("somebody has looked")
	}
	if _, err := s.SessionIsOpen(t.Context(), "x", [16]byte{}); err != nil {
		t.Error(err)
	}
	if _, err := s.Client(t.Context(), "x"); !errors.Is(err, optout.ErrNotFound) {
		t.Error(err)
	}
	if err := s.EndSessions(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if _, err := s.Upload(t.Context(), strings.Repeat("A", 26)); !errors.Is(err, optout.ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.Batch(t.Context(), "x"); !errors.Is(err, optout.ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.Piece(t.Context(), batch.At{Batch: "x", ID: "x"}); !errors.Is(err, optout.ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.Pieces(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if _, err := s.Paper(t.Context(), f.Reference); !errors.Is(err, optout.ErrNotFound) {
		t.Error(err)
	}
	if reads != 13 {
		t.Errorf("%d reads were seen", reads)
	}
}

func TestAShardIsWalkedPastItsFirstPage(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	const entries = 230 // more than two pages of one shard
	for n := range entries {
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: fmt.Sprintf("X#%d", n)}, "SK": &types.AttributeValueMemberS{Value: "F"},
			"DPK": &types.AttributeValueMemberS{Value: "DUE#7"},
			"DSK": &types.AttributeValueMemberS{Value: fmt.Sprintf("2026-11-22T12:00:%02d.000Z#form#%017d", n%60, n)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	s := dynamo.New(c, table)
	for range 2 { // a walk can be walked again
		seen := map[string]bool{}
		for d, err := range s.Due(t.Context(), 7, optouttest.Noon.Add(time.Hour)) {
			if err != nil {
				t.Fatal(err)
			}
			seen[d.ID] = true
		}
		if len(seen) != entries {
			t.Errorf("%d of %d entries were found", len(seen), entries)
		}
	}
}

// crowd counts how many requests are under way.
type crowd struct {
	http.RoundTripper
	all, now, most atomic.Int32
}

func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	c.all.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	return c.RoundTripper.RoundTrip(r)
}

// A page of the office's list takes a read of each of its parts, side by side but not all at once.
func TestTheOfficesListIsReadSixteenPartsAtATime(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	office := worklist.List{Owner: worklist.Office, Stage: worklist.Open}
	for name, read := range map[string]func(dynamo.Store) error{
		"a page":  func(s dynamo.Store) error { _, err := s.List(t.Context(), office, "", 20); return err },
		"a tally": func(s dynamo.Store) error { _, err := s.Tally(t.Context(), office); return err },
	} {
		seen := &crowd{RoundTripper: http.DefaultTransport}
		s := dynamo.New(dynamodb.New(c.Options(), func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: seen} }), table)
		if err := read(s); err != nil || seen.all.Load() != 256 || seen.most.Load() > 16 || seen.most.Load() < 2 {
			t.Errorf("%s takes %d reads, %d at once, %v", name, seen.all.Load(), seen.most.Load(), err)
		}
	}
}

// The table that can be reached for some parts of a list only gives no list: what is missing would look done.
func TestAListIsReadWholeOrNotAtAll(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	broken := &partly{RoundTripper: http.DefaultTransport}
	s := dynamo.New(dynamodb.New(c.Options(), func(o *dynamodb.Options) {
		o.HTTPClient, o.Retryer = &http.Client{Transport: broken}, aws.NopRetryer{}
	}), table)
	office := worklist.List{Owner: worklist.Office, Stage: worklist.Open}
	if page, err := s.List(t.Context(), office, "", 20); !errors.Is(err, optout.ErrUnavailable) || len(page.Entries) != 0 {
		t.Errorf("%v, %v", page, err)
	}
	if n, err := s.Tally(t.Context(), office); !errors.Is(err, optout.ErrUnavailable) || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

// partly loses every hundredth request.
type partly struct {
	http.RoundTripper
	n atomic.Int32
}

func (p *partly) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.n.Add(1)%100 == 0 {
		return nil, errors.New("connection reset")
	}
	return p.RoundTripper.RoundTrip(r)
}

// An item that something else has written is no form, but it keeps its due time, and the office gets it.
func TestAnItemThatCannotBeRead(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	s := dynamo.New(c, table)
	for n, tamper := range []string{
		"SET events[0].#by = :x", "SET facts = :x", "SET v = :two", "REMOVE events", "SET events[0].#hash = :x",
	} {
		f := registered(t, s, n)
		key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "F#" + f.Reference.Key()}, "SK": &types.AttributeValueMemberS{Value: "F"}}
		in := &dynamodb.UpdateItemInput{TableName: &table, Key: key, UpdateExpression: &tamper, ExpressionAttributeValues: map[string]types.AttributeValue{}}
		if strings.Contains(tamper, ":x") {
			in.ExpressionAttributeValues[":x"] = &types.AttributeValueMemberS{Value: "x"}
		}
		if strings.Contains(tamper, ":two") {
			in.ExpressionAttributeValues[":two"] = &types.AttributeValueMemberN{Value: "2"}
		}
		for _, name := range []string{"by", "hash"} { // reserved words
			if strings.Contains(tamper, "#"+name) {
				in.ExpressionAttributeNames = map[string]string{"#" + name: name}
			}
		}
		if len(in.ExpressionAttributeValues) == 0 {
			in.ExpressionAttributeValues = nil
		}
		if _, err := c.UpdateItem(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		got, err := s.Form(t.Context(), f.Reference)
		if !errors.Is(err, optout.ErrUnreadable) || !got.Due.Equal(f.Due) {
			t.Errorf("%s: %v, due %v", tamper, err, got.Due)
		}
		e := optout.Engine{Store: s, Post: &optouttest.Mailbox{}, Now: func() time.Time { return optouttest.Noon }}
		did, err := e.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()})
		if did != optout.ToOffice || !optout.Recorded(err) {
			t.Errorf("%s: %s, %v", tamper, did, err)
		}
		out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		if l, _ := out.Item["LPK"].(*types.AttributeValueMemberS); l == nil || !strings.HasPrefix(l.Value, "L#office#") {
			t.Errorf("%s: it is on the list %v", tamper, out.Item["LPK"])
		}
	}
}

// What newer code has put into a digest survives older code.
func TestADigestKeepsWhatItDoesNotKnow(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	s := dynamo.New(c, table)
	code := optouttest.Accepted(optouttest.Dissent()).Practice
	p, err := s.Practice(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	p.Digest.Due = optouttest.Noon
	if err := s.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "P#" + code.String()}, "SK": &types.AttributeValueMemberS{Value: "D"}}
	_, err = c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, Key: key, UpdateExpression: aws.String("SET newer = :x"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":x": &types.AttributeValueMemberS{Value: "kept"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Digest.Version, p.Digest.Due = 1, time.Time{}
	if err := s.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item["newer"] == nil || out.Item["DPK"] != nil {
		t.Errorf("%v, %v", out.Item, err)
	}
}
