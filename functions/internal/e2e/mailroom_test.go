package e2e

import (
	"errors"
	"fmt"
	"image"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/scan/scantest"
)

// keyedForm is what a clerk types of a form on paper.
func keyedForm(number string, more ...string) url.Values {
	f := url.Values{
		"do": {"register"}, "want": {"dissent"}, "forenames": {"Ada Wren"}, "surname": {"Quillfeather"}, "birth-date-day": {"31"}, "birth-date-month": {"3"}, "birth-date-year": {"1957"},
		"nhs-number": {number}, "line-1": {"1 Lawson Street"}, "postcode": {"TS18 1HU"}, "practice": {"A81001"},
		"signed-on-day": {"1"}, "signed-on-month": {"11"}, "signed-on-year": {"2026"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// A PDF with two forms and a photograph of a third come in by the mailroom: their places are on the books before they are
// sent, they are checked and drawn, keyed from their images, registered, and told to the practice; the batch closes, and a
// recount of the table from outside finds what the pages say.
func TestPaperWalksFromTheEnvelopeToThePracticesMail(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	if err := s.walkMailroom(scantest.Form(1), scantest.Form(2), scantest.Form(3)); err != nil {
		t.Fatal(err)
	}
	logs := s.logs()
	for _, secret := range append([]string{"Quillfeather", "Lawson"}, personal...) {
		if strings.Contains(logs, secret) {
			t.Errorf("%q stands in a log", secret)
		}
	}
}

var batchOf = regexp.MustCompile(`^/mailroom/batches/([0-9A-Z-]+)`)

// opensBatch opens a batch and gives its id.
func (c *caller) opensBatch(envelopes int) (string, error) {
	to, err := c.does("/mailroom/open", "key", newKey(), "envelopes", strconv.Itoa(envelopes), "box", "B-7", "sequence", "3")
	if err != nil {
		return "", err
	}
	m := batchOf.FindStringSubmatch(to)
	if m == nil {
		return "", fmt.Errorf("opening a batch leads to %s", to)
	}
	return m[1], nil
}

// sends sends scans to a batch, each by a form of its own and each an envelope of its own.
func (c *caller) sends(id string, files ...[]byte) error {
	at := "/mailroom/batches/" + id
	to, err := c.does(at+"/files", "key", newKey(), "count", strconv.Itoa(len(files)), "envelopes", "each")
	if err != nil {
		return err
	}
	for _, file := range files {
		a, err := c.get(to)
		if err != nil || a.code != http.StatusOK {
			return fmt.Errorf("no forms to send files by: %d %s %w", a.code, a.body, err)
		}
		back, err := upload(a.body, string(file))
		if err != nil {
			return err
		}
		if a, err = c.get(strings.TrimPrefix(back, c.s.patients)); err != nil || a.code != http.StatusSeeOther {
			return fmt.Errorf("the door does not see that it came: %d %s %w", a.code, a.body, err)
		}
	}
	return nil
}

// takes takes the next piece of a batch to key, and gives its address; "" if nothing is left.
func (c *caller) takes(stage, id string) (string, error) {
	to, err := c.does("/mailroom/desk", "stage", stage, "batch", id)
	if err != nil || strings.HasPrefix(to, "/mailroom/desk?") {
		return "", err
	}
	at, _, _ := strings.Cut(to, "?")
	return at, nil
}

// keys says something of a piece.
func (c *caller) keys(at, stage, id string, f url.Values) error {
	f.Set("stage", stage)
	f.Set("batch", id)
	f.Set("stop", "yes")
	a, err := c.fill(at, f)
	if err == nil && (a.code != http.StatusSeeOther || !strings.Contains(a.header.Get("Location"), "after=")) {
		err = fmt.Errorf("%s is answered with %d %s", at, a.code, a.body)
	}
	return err
}

// walkMailroom walks paper through the mailroom, and counts it again.
func (s *stack) walkMailroom(one, two, three image.Image) error {
	b, err := s.signIn("/mailroom", "clerk")
	if err != nil {
		return err
	}
	second, err := s.signIn("/mailroom", "supervisor")
	if err != nil {
		return err
	}
	id, err := b.opensBatch(4)
	if err != nil {
		return err
	}
	if err := b.sends(id, scantest.PDF(one, two), scantest.JPEG(three, 6)); err != nil {
		return err
	}
	numbers := []string{optouttest.Number(), optouttest.Number(), optouttest.Number()}
	numberOf := map[string]string{}
	for n := range 3 {
		var at string
		if err := s.await("a piece waits at the desk", func() bool {
			at, err = b.takes("K", id)
			return err == nil && at != ""
		}); err != nil {
			return fmt.Errorf("piece %d: %w (%w)", n+1, err, s.denied())
		}
		a, err := b.get(at)
		if err != nil || a.code != http.StatusOK {
			return fmt.Errorf("no piece: %d %s %w", a.code, a.body, err)
		}
		f := keyedForm(numbers[n])
		if strings.Contains(a.body, ", pages 1") { // the PDF: its first page is a form, the second one is from the next envelope
			f.Set("last", "1")
			f.Set("rest", "next")
		}
		picture := regexp.MustCompile(`(/mailroom/desk/[^"?]+/pages/\d+)`).FindString(a.body)
		p, err := b.get(picture)
		if err != nil || p.code != http.StatusSeeOther {
			return fmt.Errorf("no picture at %q: %d %w", picture, p.code, err)
		}
		if err := fetched(p.header.Get("Location")); err != nil {
			return errors.Join(err, s.denied())
		}
		numberOf[strings.Split(at, "/")[4]] = numbers[n]
		if err := b.keys(at, "K", id, f); err != nil {
			return err
		}
	}
	for { // what is keyed by two people
		at, err := second.takes("S", id)
		if err != nil {
			return err
		}
		if at == "" {
			break
		}
		if _, err := second.get(at); err != nil {
			return err
		}
		piece := strings.Split(at, "/")[4]
		if err := second.keys(at, "S", id, keyedForm(numberOf[piece], "asked", "twice")); err != nil {
			return err
		}
	}
	at := "/mailroom/batches/" + id
	if a, err := b.fill(at+"/close", url.Values{}); err != nil || a.code != http.StatusConflict && a.code != http.StatusUnprocessableEntity {
		return fmt.Errorf("a batch of which an envelope is missing is closed: %d %w", a.code, err)
	}
	if _, err := b.does(at+"/hand", "key", newKey(), "envelope", "4", "what", "other-post empty-envelope"); err != nil {
		return err
	}
	if _, err := b.does(at + "/close"); err != nil {
		return err
	}
	refs, err := s.recount(id, 4, map[string]int{"registered": 3, "other-post": 1})
	if err != nil {
		return err
	}
	return s.await("the practice is told of what came on paper", func() bool {
		for _, m := range s.mails() {
			if slices.Contains(m.To, "A81001@practice.example") || strings.Contains(strings.Join(m.To, " "), "A81001") || strings.Contains(strings.Join(m.To, " "), "a81001") {
				return s.toldOf(refs)
			}
		}
		return false
	})
}

// walkPaper lets the mailroom's door, and who reads what it takes, do everything there is.
func (s *stack) walkPaper() error {
	if err := errors.Join(s.flip("stream", true), s.walkMailroom(slip(1), slip(2), slip(3))); err != nil {
		return err
	}
	b, err := s.signIn("/mailroom", "supervisor")
	if err != nil {
		return err
	}
	if a, err := b.get("/mailroom/supervise"); err != nil || a.code != http.StatusOK {
		return fmt.Errorf("nothing to supervise: %d %s %w", a.code, a.body, errors.Join(err, s.denied()))
	}
	// The client, with a token of its own. Nothing is heard of its first file; of its second, whoever hears is killed.
	if err := errors.Join(s.mayPush(), s.flip("malware", false)); err != nil {
		return err
	}
	id, err := b.opensBatch(2)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(s.state, "scans")
	if err != nil {
		return err
	}
	for n := range 2 {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(n, ".png")), scantest.PNG(slip(n)), 0o600); err != nil {
			return err
		}
	}
	push, said, err := s.push(folder, id, "-once", "-patience", "20s")
	if err == nil {
		err = push.Wait()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("push: %w: %s", err, said), s.denied())
	}
	if err := s.flip("malware", true); err != nil {
		return err
	}
	pieces, err := s.items("B#"+strings.ReplaceAll(id, "-", ""), "I#")
	if err != nil || len(pieces) != 2 {
		return fmt.Errorf("%d pieces: %w", len(pieces), err)
	}
	table := dynamo.New(s.engine(), "local-Table")
	heard, err := table.Upload(s.t.Context(), plain(pieces[0]["upload"]))
	if err != nil {
		return err
	}
	found, err := s.versions(heard.Key())
	if err != nil {
		return err
	}
	heard = heard.Arrived(time.Now())
	heard.Object, heard.Malware, heard.Due = found, "clean", time.Now()
	if _, err := table.SaveUpload(s.t.Context(), heard); err != nil {
		return err
	}
	for _, after := range []time.Duration{0, 11 * time.Minute} {
		at := time.Now().Add(after).Format(time.RFC3339)
		if err := s.order("/schedule", url.Values{"event": {"ScansClock/EveryMinute"}, "time": {at}}); err != nil {
			return errors.Join(err, s.denied())
		}
	}
	return s.await("both are read", func() bool {
		pieces, err := s.items("B#"+strings.ReplaceAll(id, "-", ""), "I#")
		return err == nil && len(pieces) == 2 && plain(pieces[0]["status"]) == "waiting" && plain(pieces[1]["status"]) == "waiting"
	})
}

// versions is the newest version of a file, as the runner knows it.
func (s *stack) versions(key string) (string, error) {
	var results []struct{ Key, Version string }
	s.ask("/malware.json", &results)
	for _, r := range results {
		if r.Key == key {
			return r.Version, nil
		}
	}
	return "", fmt.Errorf("nobody has seen a file at %s: %v", key, results)
}

// toldOf says that forms have reached their practice.
func (s *stack) toldOf(refs []string) bool {
	for _, ref := range refs {
		form, err := s.items("F#"+ref, "F")
		if err != nil || len(form) != 1 || !strings.HasPrefix(plain(form[0]["LPK"]), "L#A81001") {
			return false
		}
	}
	return len(refs) > 0
}

// items reads the table's items of a partition, past every function: those whose sort key begins like this.
func (s *stack) items(pk, sk string) (all []map[string]types.AttributeValue, err error) {
	pages := dynamodb.NewQueryPaginator(s.engine(), &dynamodb.QueryInput{
		TableName: aws.String("local-Table"), KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :sk)"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: pk}, ":sk": &types.AttributeValueMemberS{Value: sk}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
	}
	return all, nil
}

// plain is an attribute of text or a number as it stands in the table; "" for any other.
func plain(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// recount counts a batch from outside, row by row, by rules of its own: what is declared was opened, and each piece counts
// once, for what it came to. It gives the references of the forms that came of it, each of which is there and came on paper.
func (s *stack) recount(id string, declared int, want map[string]int) (refs []string, err error) {
	id = strings.ReplaceAll(id, "-", "")
	books, err := s.items("B#"+id, "")
	if err != nil {
		return nil, err
	}
	got, envelopes, pieces, first := map[string]int{}, map[string]bool{}, "", map[string]string{}
	for _, i := range books {
		if plain(i["SK"]) == "B" {
			pieces = plain(i["pieces"])
			if plain(i["declared"]) != strconv.Itoa(declared) {
				return nil, fmt.Errorf("declared are %s envelopes", plain(i["declared"]))
			}
			continue
		}
		status := plain(i["status"])
		if status == "lapsed" {
			continue
		}
		got[status]++
		if status != "rescan" {
			envelopes[plain(i["envelope"])] = true
		}
		if form := plain(i["form"]); form != "" {
			if other, twice := first[form]; twice {
				return nil, fmt.Errorf("%s and %s are one form", other, plain(i["SK"]))
			}
			first[form] = plain(i["SK"])
			stored, err := s.items("F#"+form, "F")
			if err != nil || len(stored) != 1 || plain(stored[0]["channel"]) != "paper" {
				return nil, fmt.Errorf("the form of %s is not there: %v %w", plain(i["SK"]), stored, err)
			}
			refs = append(refs, form)
		}
	}
	sum := 0
	for _, n := range got {
		sum += n
	}
	if len(envelopes) != declared || strconv.Itoa(sum) != pieces || !maps.Equal(got, want) {
		return nil, fmt.Errorf("recounted: %d envelopes of %d, %d pieces of %s, %v instead of %v", len(envelopes), declared, sum, pieces, got, want)
	}
	return refs, nil
}

var digitsOf = regexp.MustCompile(`9\d{9}`)

// all is everything that stands in an attribute, as text.
func all(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberL:
		var b strings.Builder
		for _, x := range v.Value {
			b.WriteString(all(x) + " ")
		}
		return b.String()
	case *types.AttributeValueMemberM:
		var b strings.Builder
		for _, x := range v.Value {
			b.WriteString(all(x) + " ")
		}
		return b.String()
	case *types.AttributeValueMemberB:
		return string(v.Value)
	}
	return plain(v)
}

// paperForms are the references of all forms in the table that came on paper.
func (s *stack) paperForms() (refs []string, err error) {
	pages := dynamodb.NewScanPaginator(s.engine(), &dynamodb.ScanInput{
		TableName: aws.String("local-Table"), FilterExpression: aws.String("channel = :paper"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeValues: map[string]types.AttributeValue{":paper": &types.AttributeValueMemberS{Value: "paper"}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			return nil, err
		}
		for _, i := range page.Items {
			refs = append(refs, strings.TrimPrefix(plain(i["PK"]), "F#"))
		}
	}
	return refs, nil
}

// engine is the stack's table, past every function.
func (s *stack) engine() *dynamodb.Client {
	var at struct{ Engine string }
	s.ask("/status.json", &at)
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-2", BaseEndpoint: &at.Engine, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), DisableValidateResponseChecksum: true,
	})
}
