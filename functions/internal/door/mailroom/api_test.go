package mailroom_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/mailroom"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/signin/signintest"
	"example.org/optout/functions/internal/upload"
)

// scansInMemory is a bucket whose forms lead nowhere.
type scansInMemory struct {
	optouttest.Files
	signed []bucket.File
}

func (b *scansInMemory) Form(_ context.Context, f bucket.File) (bucket.Form, error) {
	b.signed = append(b.signed, f)
	return bucket.Form{Address: "https://bucket.example/", Origin: "https://bucket.example", Fields: []bucket.Field{{Name: "key", Value: f.Key}, {Name: "policy", Value: "signed"}}}, nil
}

func (b *scansInMemory) Picture(context.Context, string) (string, error) {
	return "https://bucket.example/", nil
}

func (b *scansInMemory) Link(context.Context, string, string) (string, error) {
	return "https://bucket.example/", nil
}

func (b *scansInMemory) Origin(context.Context) string { return "https://bucket.example" }

// client is software before the door. Every answer it gets is held to the contract, every line that is logged is kept.
type client struct {
	t testing.TB
	*optouttest.Memory
	*optouttest.Clock
	bucket  *scansInMemory
	issuer  *signintest.Issuer
	handler http.Handler
	token   string
	log     *bytes.Buffer
}

func newClient(t testing.TB) *client {
	t.Helper()
	ring, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdef0123456789abcdef"}`))
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, Memory: &optouttest.Memory{}, Clock: optouttest.NewClock(), bucket: &scansInMemory{}, issuer: signintest.NewIssuer(t), log: &bytes.Buffer{}}
	door := mailroom.Door{
		Store: c.Memory, Files: c.bucket, Keys: ring, Practices: directory.Shipped{}, TestNumbers: true, Controller: "Testshire Board", Now: c.Now,
		SignIn: &signin.Door{
			For: signin.Mailroom, Address: "https://optout.example", Issuer: c.issuer.URL, ClientID: "pages", HTTP: &http.Client{Timeout: 10 * time.Second},
			Seals: ring, Sessions: c.Memory, Clients: c.Memory, Now: c.Now,
		},
	}
	serve := door.Handler()
	c.handler = contracttest.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = observe.New("mailroom", c.log, c.Now).Invocation(r.Context(), "http", "test", func(ctx context.Context) error {
			serve.ServeHTTP(w, r.WithContext(ctx))
			return nil
		})
	}), t.Errorf)
	if err := c.SaveMailroomClient(t.Context(), "push-1", "the scanning desk"); err != nil {
		t.Fatal(err)
	}
	c.token = c.issuer.Token(t, "push-1", c.Now())
	return c
}

// do sends a request and wants a status and texts in the answer.
func (c *client) do(method, path string, key int, body string, status int, texts ...string) (answer map[string]any) {
	c.t.Helper()
	r := httptest.NewRequest(method, "https://optout.example"+path, strings.NewReader(body))
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if key > 0 {
		r.Header.Set("Idempotency-Key", fmt.Sprintf("0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c%02x", key))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	said := w.Header().Get("Idempotency-Replayed") + w.Body.String()
	for _, text := range append(texts, "") {
		if w.Code != status || !strings.Contains(said, text) {
			c.t.Errorf("%s %s: answered with %d %s, want %d %s", method, path, w.Code, said, status, text)
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		c.t.Fatalf("%v: %s", err, w.Body)
	}
	return answer
}

const forty = `{"envelopes":2,"box":"B-7","sequence":3,"destroyAfter":"2027-11-30"}`

func (c *client) opened() (batchPath, id string) {
	c.t.Helper()
	shown, _ := c.do("POST", "/api/mailroom/batches", 1, forty, 201)["batch"].(string)
	id, _ = batch.ParseID(shown)
	return "/api/mailroom/batches/" + shown, id
}

// announced makes places under a key and gives the ids of the files.
func (c *client) announced(at string, key int, names ...string) (ids []string) {
	c.t.Helper()
	var files []string
	for _, n := range names {
		files = append(files, fmt.Sprintf(`{"name":%q,"bytes":4}`, n))
	}
	places, _ := c.do("POST", at+"/files", key, `{"files":[`+strings.Join(files, ",")+`],"envelopes":"each"}`, 201)["files"].([]any)
	for _, p := range places {
		id, _ := p.(map[string]any)["file"].(string)
		ids = append(ids, id)
	}
	return ids
}

func TestSoftwareBringsABatchFromOpenToClose(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	at, id := c.opened()
	c.Move(time.Minute)
	c.do("POST", "/api/mailroom/batches", 1, forty, 201, "true", `"declared":2`, `"destroyAfter":"2027-11-30"`)
	files := c.announced(at, 2, "a.pdf", "Zoë Sample.tiff")
	if again := c.announced(at, 2, "a.pdf", "Zoë Sample.tiff"); len(files) != 2 || !slices.Equal(again, files) {
		t.Errorf("the same key: %v, %v", files, again)
	}
	for _, f := range c.bucket.signed {
		if f.Most != 20<<20 || f.Back != "" || f.Key != "scans/"+files[0] && f.Key != "scans/"+files[1] {
			t.Errorf("a form is signed for %+v", f)
		}
	}
	one, two := "/api/mailroom/files/"+files[0], "/api/mailroom/files/"+files[1]
	c.do("POST", at+"/close", 0, "", 409, "still-waiting")
	c.do("GET", one, 0, "", 200, `"state":"promised"`, `"received":false`)
	c.do("POST", one+"/sent", 0, `{"bytes":4}`, 409, "file-not-there")
	for _, f := range files {
		if err := c.bucket.Put(t.Context(), "scans/"+f, "", []byte("scan")); err != nil {
			t.Fatal(err)
		}
	}
	c.do("POST", one+"/sent", 0, `{"bytes":5}`, 409, "file-other-size")
	for range 2 {
		c.do("POST", one+"/sent", 0, `{"bytes":4}`, 200, `"state":"uploaded"`, `"received":true`)
	}
	c.do("POST", two+"/sent", 0, "", 200, `"received":true`)
	c.do("POST", one+"/form", 0, "", 409, "file-there")
	c.do("POST", at+"/files", 2, `{"files":[{"name":"a.pdf"},{"name":"Zoë Sample.tiff"}],"envelopes":"each"}`, 201, `"state":"uploaded"`)
	c.do("GET", at, 0, "", 200, `"state":"checking"`, `"opened":2,"equal":true`, `"counted":2,"waiting":2`, `"name":"a.pdf"`)
	room := batch.Mailroom{Store: c.Memory, Now: c.Now}
	if err := room.Read(t.Context(), batch.FirstOf(id, files[0]), []byte("12345678901234567890123456789012"), make([]batch.Page, 3), batch.File{Batch: id, Upload: files[0]}); err != nil {
		t.Fatal(err)
	}
	clerk := optout.Actor{Role: optout.Desk, ID: "u-ann"}
	if _, err := room.HasOutcome(t.Context(), batch.FirstOf(id, files[0]), clerk, batch.Outcome{Status: batch.OtherPost, Why: "blank"}); err != nil {
		t.Fatal(err)
	}
	if err := room.Quarantine(t.Context(), batch.FirstOf(id, files[1]), batch.Infected, nil); err != nil {
		t.Fatal(err)
	}
	c.do("GET", two, 0, "", 200, `"code":"infected"`, "Malware was found")
	c.do("GET", at, 0, "", 200, `"otherPost":1`, `"quarantined":1,"equal":true`, `"last":3`, `"code":"blank"`)
	for range 2 {
		c.do("POST", at+"/close", 0, "", 200, `"state":"closed"`, `"closed":"`)
	}
	c.do("POST", at+"/files", 3, `{"files":[{"name":"late.pdf"}],"envelopes":"each"}`, 409, "batch-closed")
	if strings.Contains(c.log.String(), "Sample") {
		t.Error("the log names a file")
	}
}

func TestAFormIsSignedAnewForAFileThatHasNotCome(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	at, id := c.opened()
	file := c.announced(at, 2, "a.pdf")[0]
	path := "/api/mailroom/files/" + file
	c.do("POST", path+"/form", 0, "", 200, `"key","value":"scans/`+file, `"seconds":900`)
	c.Move(upload.Waits)
	c.token = c.issuer.Token(t, "push-1", c.Now())
	s, err := c.Upload(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SaveUpload(t.Context(), s.Missed(c.Now())); err != nil {
		t.Fatal(err)
	}
	if err := (batch.Mailroom{Store: c.Memory, Now: c.Now}).Lapsed(t.Context(), batch.FirstOf(id, file)); err != nil {
		t.Fatal(err)
	}
	c.do("GET", path, 0, "", 200, `"state":"expired"`)
	c.do("POST", at+"/files", 2, `{"files":[{"name":"a.pdf"}],"envelopes":"each"}`, 201, `"state":"expired"`)
	c.do("POST", path+"/form", 0, "", 200, `"state":"promised"`, "scans/"+file)
	c.do("GET", at, 0, "", 200, `"counted":1,"waiting":1`)
}

// Whoever else writes at the same time, and whatever answer of the table is lost: a receipt is a receipt.
func TestAReceiptOutlivesConflictsAndLostAnswers(t *testing.T) {
	t.Parallel()
	for _, fate := range []optouttest.Fate{optouttest.Conflict, optouttest.Lost, optouttest.Throttle} {
		c := newClient(t)
		at, id := c.opened()
		file := c.announced(at, 2, "a.pdf")[0]
		if err := c.bucket.Put(t.Context(), "scans/"+file, "", []byte("scan")); err != nil {
			t.Fatal(err)
		}
		failed := map[string]int{}
		c.Fate = func(method string) optouttest.Fate {
			if failed[method]++; failed[method] <= 2 && (method == "SaveUpload" || method == "SaveBatch") {
				return fate
			}
			return optouttest.Fine
		}
		c.do("POST", "/api/mailroom/files/"+file+"/sent", 0, "", 200, `"state":"uploaded"`, `"received":true`)
		if p, err := c.Piece(t.Context(), batch.FirstOf(id, file)); err != nil || p.Status != batch.Checking || failed["SaveUpload"] < 1 {
			t.Errorf("%+v, %v, %v", p.Status, err, failed)
		}
	}
}

// The malware check may know a file before anybody has said that it is there: the receipt puts it on the books all the same.
func TestAReceiptIsOnTheBooksWhoeverSawTheFileFirst(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	at, id := c.opened()
	file := c.announced(at, 2, "a.pdf")[0]
	s, err := c.Upload(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	s = s.Arrived(c.Now())
	s.Object, s.Malware = "v1", "clean"
	if _, err := c.SaveUpload(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	c.do("POST", "/api/mailroom/files/"+file+"/sent", 0, `{"bytes":4}`, 200, `"received":true`)
	if p, err := c.Piece(t.Context(), batch.FirstOf(id, file)); err != nil || p.Status != batch.Checking {
		t.Errorf("the piece is %s, %v", p.Status, err)
	}
}

// What is wrong with what software sends is named, and nothing is made.
func TestWhatSoftwareGetsWrongIsNamed(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	at, _ := c.opened()
	file := "/api/mailroom/files/" + c.announced(at, 2, "a.pdf")[0]
	many := strings.Repeat(`{"name":"a.pdf"},`, 41)
	unknown := strings.Replace(at, at[len(at)-3:], "2-2", 1)
	for name, x := range map[string]struct {
		path   string
		key    int
		body   string
		status int
		text   string
	}{
		"no key":                     {"/api/mailroom/batches", 0, forty, 400, "idempotency-key-missing"},
		"no key for files":           {at + "/files", 0, `{}`, 400, "idempotency-key-missing"},
		"no body":                    {"/api/mailroom/batches", 9, "", 400, "not-json"},
		"a field too many":           {"/api/mailroom/batches", 9, `{"envelopes":2,"box":"B-7","sequence":3,"by":"me"}`, 400, "unknown-field"},
		"a body too many":            {"/api/mailroom/batches", 9, `{"box":"` + strings.Repeat("x", 40_000) + `"}`, 413, "body-too-large"},
		"no envelopes":               {"/api/mailroom/batches", 9, `{"envelopes":0,"box":"B-7","sequence":3}`, 400, `"/envelopes","code":"out-of-range"`},
		"an odd box":                 {"/api/mailroom/batches", 9, `{"envelopes":1,"box":"B 7","sequence":3}`, 400, `"/box","code":"box"`},
		"a day that is over":         {"/api/mailroom/batches", 9, `{"envelopes":1,"box":"B-7","sequence":3,"destroyAfter":"2020-01-01"}`, 400, `"/destroyAfter","code":"date-in-past"`},
		"a day that is none":         {"/api/mailroom/batches", 9, `{"envelopes":1,"box":"B-7","sequence":3,"destroyAfter":"soon"}`, 400, `"/destroyAfter","code":"date-shape"`},
		"a key of another batch":     {"/api/mailroom/batches", 1, `{"envelopes":2,"box":"B-8","sequence":3}`, 422, "key-used-before"},
		"a key of other files":       {at + "/files", 2, `{"files":[{"name":"b.pdf"}],"envelopes":"each"}`, 422, "key-used-before"},
		"no files":                   {at + "/files", 9, `{"files":[],"envelopes":"each"}`, 400, `"/files","code":"too-many"`},
		"too many files":             {at + "/files", 9, `{"files":[` + strings.TrimSuffix(many, ",") + `],"envelopes":"each"}`, 400, `"/files","code":"too-many"`},
		"a file without a name":      {at + "/files", 9, `{"files":[{"name":"a"},{"name":" "}],"envelopes":"each"}`, 400, `"/files/1/name","code":"missing"`},
		"a name without end":         {at + "/files", 9, `{"files":[{"name":"` + strings.Repeat("n", 256) + `"}],"envelopes":"each"}`, 400, `"/files/0/name","code":"too-long"`},
		"an empty file":              {at + "/files", 9, `{"files":[{"name":"a","bytes":0}],"envelopes":"each"}`, 400, `"/files/0/bytes","code":"empty"`},
		"a file of 21 MB":            {at + "/files", 9, `{"files":[{"name":"a","bytes":20971521}],"envelopes":"each"}`, 400, `"/files/0/bytes","code":"file-too-large"`},
		"envelopes of another kind":  {at + "/files", 9, `{"files":[{"name":"a"}],"envelopes":"all"}`, 400, `"/envelopes","code":"not-an-option"`},
		"files of no batch":          {unknown + "/files", 9, `{"files":[{"name":"a"}],"envelopes":"each"}`, 404, "no-such-batch"},
		"the end of no batch":        {unknown + "/close", 0, "", 404, "no-such-batch"},
		"a batch that cannot be one": {"/api/mailroom/batches/x/close", 0, "", 404, "no-such-batch"},
		"a file that is not known":   {"/api/mailroom/files/AAAAAAAAAAAAAAAAAAAAAAAAAA/sent", 0, "", 404, "no-such-file"},
		"a form for nothing":         {"/api/mailroom/files/x/form", 0, "", 404, "no-such-file"},
		"a word that is none":        {file + "/sent", 0, `{"bytes":"4"}`, 400, "wrong-type"},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			c.do("POST", x.path, x.key, x.body, x.status, x.text)
		})
	}
	c.t = t
	c.do("GET", at, 0, "", 200, `"counted":1,"waiting":1`)
}

// A practice's list is no file of the mailroom's, nor is a practice's software the mailroom's.
func TestOnlyTheMailroomsSoftwareIsLetIn(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	at, _ := c.opened()
	manager := optout.Actor{Role: optout.AtPractice, Practice: nhs.StoredODSCode("A81001"), ID: "u-manager"}
	list, err := c.SaveUpload(t.Context(), upload.New(manager, c.Now(), false, c.Now()))
	if err != nil {
		t.Fatal(err)
	}
	paper, err := c.SaveUpload(t.Context(), upload.NewAttachment(manager, optout.NewReference([10]byte{1}), c.Now()))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{list.ID, paper.ID} {
		c.do("GET", "/api/mailroom/files/"+id, 0, "", 404, "no-such-file")
		c.do("POST", "/api/mailroom/files/"+id+"/sent", 0, "", 404, "no-such-file")
		c.do("POST", "/api/mailroom/files/"+id+"/form", 0, "", 404, "no-such-file")
	}
	if err := c.SaveClient(t.Context(), "software-1", nhs.StoredODSCode("A81001"), "a clinical system"); err != nil {
		t.Fatal(err)
	}
	for client, want := range map[string]int{"software-1": 403, "nobody": 403, "": 401} {
		c.token = ""
		if client != "" {
			c.token = c.issuer.Token(t, client, c.Now())
		}
		for _, r := range []string{"GET " + at, "POST " + at + "/files", "POST " + at + "/close", "POST /api/mailroom/batches", "GET /api/mailroom/files/x", "POST /api/mailroom/files/x/form", "POST /api/mailroom/files/x/sent"} {
			method, path, _ := strings.Cut(r, " ")
			c.do(method, path, 9, "", want)
		}
	}
}

// Another client of the mailroom goes on where one left off: there is one mailroom.
func TestAnyClientOfTheMailroomSeesAnyBatch(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	at, _ := c.opened()
	if err := c.SaveMailroomClient(t.Context(), "push-2", "another desk"); err != nil {
		t.Fatal(err)
	}
	c.token = c.issuer.Token(t, "push-2", c.Now())
	c.do("GET", at, 0, "", 200, `"list":[]`)
}

// Find gives as many versions of each file as a test says, one if it says nothing.
func (s *signer) Find(context.Context, string) ([]upload.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty {
		return nil, nil
	}
	return make([]upload.Object, max(1, s.versions)), nil
}

// The desk's bucket holds no files: nobody asks there.
func (*pictures) Find(context.Context, string) ([]upload.Object, error) { return nil, nil }
