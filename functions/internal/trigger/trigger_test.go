package trigger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/trigger"
)

// received reads an example of what AWS hands us.
func received[T any](t *testing.T, name string) (v T) {
	t.Helper()
	raw, err := os.ReadFile("../../../events/received/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func observer(w io.Writer) *observe.Observer { return observe.New("test", w, time.Now) }

func TestARequestArrivesWhole(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"api-register.json": `POST /api/forms? "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d" "" {"choice":"dissent"`,
		"api-status.json":   `POST /api/status? "" "" {"reference":"0000-0000-0000-0000-0"`,
		"api-start.json":    `GET /?from=letter&lang=en "" "a=1; b=2" `,
	} {
		var got string
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got = fmt.Sprintf("%s %s?%s %q %q %s", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Idempotency-Key"), r.Header.Get("Cookie"), body)
			if r.Host != "a1b2c3d4e5.execute-api.eu-west-2.amazonaws.com" || r.RemoteAddr != "192.0.2.1" || int(r.ContentLength) != len(body) {
				t.Errorf("%s: host %q, from %q, length %d of %d", file, r.Host, r.RemoteAddr, r.ContentLength, len(body))
			}
		})
		if _, err := trigger.HTTP(observer(io.Discard), h)(t.Context(), received[events.APIGatewayV2HTTPRequest](t, file)); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s arrives as\n%s, want\n%s…", file, got, want)
		}
	}
}

func TestAnAnswerLeavesWhole(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Cookie")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // too late, as in net/http
		if r.URL.Path == "/" {
			_, _ = w.Write([]byte{0xff, 0x00})
			return
		}
		_, _ = io.WriteString(w, "plain")
	})
	serve := trigger.HTTP(observer(io.Discard), h)
	binary, _ := serve(t.Context(), received[events.APIGatewayV2HTTPRequest](t, "api-start.json"))
	if !binary.IsBase64Encoded || binary.Body != "/wA=" || binary.StatusCode != http.StatusTeapot || !slices.Equal(binary.Cookies, []string{"a=1", "b=2"}) || binary.Headers["Vary"] != "Accept, Cookie" {
		t.Errorf("binary answer %+v", binary)
	}
	if plain, _ := serve(t.Context(), received[events.APIGatewayV2HTTPRequest](t, "api-status.json")); plain.IsBase64Encoded || plain.Body != "plain" {
		t.Errorf("plain answer %+v", plain)
	}
}

// Compressed content is any bytes. Some of it happens to be text, such as what brotli makes of nothing.
func TestCompressedContentArrivesAsItIs(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"that is no text":                         "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff",
		"that is text":                            "\x06",
		"that is text with what JSON escapes":     "\x00\x0b\x1b<&>\"\\\u2028\x7f",
		"that holds the sign for what is no text": "\x0b\ufffd",
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, content)
		})
		out, _ := trigger.HTTP(observer(io.Discard), h)(t.Context(), received[events.APIGatewayV2HTTPRequest](t, "api-start.json"))
		sent, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		var arrived events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(sent, &arrived); err != nil {
			t.Fatal(err)
		}
		got := []byte(arrived.Body)
		if arrived.IsBase64Encoded {
			if got, err = base64.StdEncoding.DecodeString(arrived.Body); err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != content || arrived.Headers["Content-Encoding"] != "br" {
			t.Errorf("content %s arrives as %q with %v", name, got, arrived.Headers)
		}
	}
}

func TestAPanicIsAnAnswerAndALine(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, "half an answer")
		panic("Quillfeather 9000000009")
	})
	out, err := trigger.HTTP(observer(&log), h)(t.Context(), received[events.APIGatewayV2HTTPRequest](t, "api-register.json"))
	if err != nil || out.StatusCode != http.StatusInternalServerError || strings.Contains(out.Body, "half") || !strings.Contains(out.Body, `"code":"internal-error"`) || out.Headers["Content-Type"] != "application/problem+json" || out.Headers["X-Content-Type-Options"] != "nosniff" {
		t.Errorf("answer %+v, %v", out, err)
	}
	if !strings.Contains(log.String(), `"Errors":1`) || strings.Contains(log.String(), "Quillfeather") || strings.Contains(log.String(), "9000000009") {
		t.Errorf("line %s", log.String())
	}
}

func TestPathsAreNeverTakenForHosts(t *testing.T) {
	t.Parallel()
	var got string
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path + " " + r.URL.Host })
	e := received[events.APIGatewayV2HTTPRequest](t, "api-start.json")
	for raw, want := range map[string]string{"//evil.example/": "//evil.example/ ", "/a%2Fb": "/a/b ", "/caf%C3%A9": "/café "} {
		e.RawPath, got = raw, ""
		if _, err := trigger.HTTP(observer(io.Discard), h)(t.Context(), e); err != nil || got != want {
			t.Errorf("%s is served as %q, %v", raw, got, err)
		}
	}
	e.RawPath = "/%zz"
	if out, _ := trigger.HTTP(observer(io.Discard), h)(t.Context(), e); out.StatusCode != http.StatusNotFound {
		t.Errorf("a path that is none: %d", out.StatusCode)
	}
}

func TestAHandlerIsGivenLessTimeThanTheFunctionHas(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if at, ok := r.Context().Deadline(); !ok || time.Until(at) > 9*time.Second || time.Until(at) < 5*time.Second {
			t.Errorf("the handler has %v", time.Until(at))
		}
	})
	if _, err := trigger.HTTP(observer(io.Discard), h)(ctx, received[events.APIGatewayV2HTTPRequest](t, "api-start.json")); err != nil {
		t.Error(err)
	}
}

func TestAStreamNamesItemsAndReportsTheFirstFailureByItsSequenceNumber(t *testing.T) {
	t.Parallel()
	slice := received[events.DynamoDBEvent](t, "stream.json")
	for done, want := range map[int]string{3: "", 1: "100000000000000000002", 0: "100000000000000000001"} {
		var log bytes.Buffer
		var seen []trigger.Named
		out, err := trigger.Stream(observer(&log), func(_ context.Context, n []trigger.Named) (int, error) {
			seen = n
			if done < len(n) {
				return done, errors.New("the table is away")
			}
			return done, nil
		})(t.Context(), slice)
		if err != nil {
			t.Error(err)
		}
		got := ""
		if len(out.BatchItemFailures) == 1 {
			got = out.BatchItemFailures[0].ItemIdentifier
		}
		if got != want || len(out.BatchItemFailures) > 1 {
			t.Errorf("%d done: failures %v, want %q", done, out.BatchItemFailures, want)
		}
		if want := (trigger.Named{PK: "F#00000000000000000", SK: "F"}); len(seen) != 3 || seen[0] != want {
			t.Errorf("named %v", seen)
		}
		if failed := strings.Contains(log.String(), `"error":"record`); failed != (want != "") {
			t.Errorf("%d done: line %s", done, log.String())
		}
	}
}

func TestWhatSESSaysOfAMailArrivesInOurWords(t *testing.T) {
	t.Parallel()
	const id = "0102019400000000-11111111-2222-3333-4444-555555555555-000000"
	for name, c := range map[string]struct {
		file, replace, by string
		want              trigger.MailNews
	}{
		"a bounce":                           {"mail-bounced.json", "", "", trigger.MailNews{Practice: "A81001", ID: id, News: digest.Bounced}},
		"a bounce of which nobody knows why": {"mail-bounced.json", `"Permanent"`, `"Undetermined"`, trigger.MailNews{Practice: "A81001", ID: id, News: digest.Bounced}},
		"a bounce that may pass":             {"mail-bounced.json", `"Permanent"`, `"Transient"`, trigger.MailNews{Practice: "A81001", ID: id, News: digest.BouncedForNow}},
		"a complaint":                        {"mail-unwanted.json", "", "", trigger.MailNews{Practice: "A81001", ID: id, News: digest.Complained}},
		"a rejection":                        {"mail-rejected.json", "", "", trigger.MailNews{Practice: "A81001", ID: id, News: digest.Rejected}},
		"a delivery":                         {"mail-rejected.json", `"Reject"`, `"Delivery"`, trigger.MailNews{}},
		"a mail of others":                   {"mail-bounced.json", `"practice"`, `"campaign"`, trigger.MailNews{}},
		"a mail of two practices":            {"mail-bounced.json", `"A81001"`, `"A81001","A81002"`, trigger.MailNews{}},
		"a mail without an id":               {"mail-bounced.json", `"messageId":"` + id + `"`, `"messageId":""`, trigger.MailNews{}},
		"another service":                    {"mail-bounced.json", `"aws.ses"`, `"custom"`, trigger.MailNews{}},
		"another shape":                      {"mail-bounced.json", `["A81001"]`, `"bounce@practice.example"`, trigger.MailNews{}},
	} {
		raw, err := os.ReadFile("../../../events/received/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			t.Fatal(err)
		}
		var e events.EventBridgeEvent
		said := strings.ReplaceAll(compact.String(), c.replace, c.by)
		if c.replace == "" {
			said = compact.String()
		} else if said == compact.String() {
			t.Fatalf("%s: there is no %s", name, c.replace)
		}
		if err := json.Unmarshal([]byte(said), &e); err != nil {
			t.Fatal(err)
		}
		var got trigger.MailNews
		var log bytes.Buffer
		away := errors.New("the table is away")
		err = trigger.Mail(observer(&log), func(_ context.Context, n trigger.MailNews) error {
			got = n
			return away
		})(t.Context(), e)
		if got != c.want || errors.Is(err, away) != (c.want != trigger.MailNews{}) {
			t.Errorf("%s arrives as %+v, %v; want %+v", name, got, err, c.want)
		}
		if strings.Contains(log.String(), "@practice.example") || !strings.Contains(log.String(), `"news":`) {
			t.Errorf("%s: line %s", name, log.String())
		}
	}
}

func TestASchedulesNowIsItsOwnTimeOrTheClocksIfThatIsLater(t *testing.T) {
	t.Parallel()
	event := received[events.EventBridgeEvent](t, "schedule.json")
	for clock, want := range map[string]string{
		"2026-11-22T20:29:59Z": "2026-11-22T20:30:00Z", // the event's time lies ahead
		"2026-11-22T21:45:00Z": "2026-11-22T21:45:00Z", // it was delivered late
	} {
		at, err := time.Parse(time.RFC3339, clock)
		if err != nil {
			t.Fatal(err)
		}
		run := func(_ context.Context, now func() time.Time) error {
			if got := now().Format(time.RFC3339); got != want {
				t.Errorf("at %s the run's now is %s, want %s", clock, got, want)
			}
			return errors.New("done")
		}
		if err := trigger.Schedule(observer(io.Discard), func() time.Time { return at }, run)(t.Context(), event); err == nil {
			t.Error("the run's error is swallowed: the service could not try again")
		}
	}
}
