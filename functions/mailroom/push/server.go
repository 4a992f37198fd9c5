package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	tokenRefused = sentence("The issuer, or the service, does not take this client any more. Nothing is lost: ask whoever manages clients, and start push again.")
	notForYou    = sentence("This client may not send scans: it is not entered as the mailroom's. Ask whoever manages clients.")
	serverAway   = sentence("The server has not answered for too long. Nothing is lost: start push again when it does.")
	batchClosed  = sentence("The batch is closed, and takes nothing more. What is left waits in the folder: have a supervisor open the batch again, or start push with another one.")
	batchFull    = sentence("The batch is full. What is left waits in the folder: start push with another batch.")
	batchUnknown = sentence("The server has no such batch. Check its reference: it stands on the header sheet.")
)

// problem is what the server says when it refuses something.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Code    string `json:"code"`
		Detail  string `json:"detail"`
	} `json:"errors"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// is tells whether an error is a problem of this code.
func is(err error, code string) bool {
	p, ok := errors.AsType[*problem](err)
	return ok && p.Code == code
}

// server is the mailroom's API. What fails for a moment is tried again until it does not; patience ends that.
type server struct {
	address, issuer, client, secret string
	http                            *http.Client
	first, patience                 time.Duration // patience 0: for ever
	say                             *screen
	away                            outage

	mu    sync.Mutex
	token *oauth2.Token
}

// outage says once that something does not work, and once that it does again.
type outage struct {
	say          *screen
	begins, ends string
	is           atomic.Bool
}

func (o *outage) note(now bool) {
	switch was := o.is.Swap(now); {
	case now && !was:
		o.say.line("%s", o.begins)
	case was && !now:
		o.say.line("%s", o.ends)
	}
}

func newServer(s settings, say *screen) *server {
	v := &server{address: s.address, issuer: s.issuer, client: s.client, secret: s.secret, http: httpClient(time.Minute), first: s.retry, say: say}
	v.away = outage{say: say, begins: "The server does not answer. Trying again until it does.", ends: "The server answers again."}
	if s.once {
		v.patience = s.patience
	}
	return v
}

// errTransient is of what may be well in a moment.
var errTransient = errors.New("not now")

func transient(err error) error { return fmt.Errorf("%w: %w", errTransient, err) }

// insist does something until it does not fail for a moment only.
func (v *server) insist(ctx context.Context, away *outage, do func() error) error {
	began := time.Now()
	for try := 0; ; try++ {
		err := do()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, errTransient):
			away.note(false)
			return err
		case v.patience > 0 && time.Since(began) > v.patience:
			return serverAway
		}
		away.note(true)
		pause := min(v.first<<min(try, 10), 30*time.Second)
		t := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// bearer is a token that is good for a while yet; a new one, if not is the one there is.
func (v *server) bearer(ctx context.Context, not string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token.Valid() && v.token.AccessToken != not {
		return v.token.AccessToken, nil
	}
	ctx = oidc.ClientContext(ctx, v.http)
	issuer, err := oidc.NewProvider(ctx, v.issuer)
	if err != nil {
		return "", transient(fmt.Errorf("ask issuer: %w", err))
	}
	c := clientcredentials.Config{ClientID: v.client, ClientSecret: v.secret, TokenURL: issuer.Endpoint().TokenURL, AuthStyle: oauth2.AuthStyleInHeader}
	token, err := c.Token(ctx)
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response.StatusCode/100 == 4 && refused.Response.StatusCode != http.StatusTooManyRequests {
		return "", tokenRefused
	} else if err != nil {
		return "", transient(fmt.Errorf("ask for token: %w", err))
	}
	v.token = token
	return token.AccessToken, nil
}

// call asks the API for something and reads the answer into out. What it refuses is a *problem.
func (v *server) call(ctx context.Context, method, path, key string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	refusedToken := ""
	return v.insist(ctx, &v.away, func() error {
		token, err := v.bearer(ctx, refusedToken)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, method, v.address+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		if in != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		answer, err := v.http.Do(r)
		if err != nil {
			return transient(err)
		}
		defer answer.Body.Close()
		said, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
		if err != nil {
			return transient(err)
		}
		if answer.StatusCode/100 == 2 {
			if out == nil {
				return nil
			}
			if err := json.Unmarshal(said, out); err != nil {
				return transient(fmt.Errorf("read answer: %w", err))
			}
			return nil
		}
		p := &problem{}
		if json.Unmarshal(said, p) != nil || p.Code == "" { // something that stands between
			p.Code = "no-problem"
		}
		p.Status = answer.StatusCode
		switch {
		case p.Status == http.StatusUnauthorized && refusedToken == "":
			refusedToken = token
			return transient(p)
		case p.Status == http.StatusUnauthorized:
			return tokenRefused
		case p.Code == "not-for-you":
			return notForYou
		case p.Status >= 500, p.Status == http.StatusTooManyRequests, p.Code == "no-problem":
			return transient(p)
		}
		return p
	})
}

// book is a batch as the server counts it.
type book struct {
	Batch     string `json:"batch"`
	State     string `json:"state"`
	Box       string `json:"box"`
	Sequence  int    `json:"sequence"`
	Envelopes struct {
		Declared int  `json:"declared"`
		Opened   int  `json:"opened"`
		Equal    bool `json:"equal"`
	} `json:"envelopes"`
	Pieces struct {
		Counted     int  `json:"counted"`
		Waiting     int  `json:"waiting"`
		Registered  int  `json:"registered"`
		Held        int  `json:"held"`
		SentBack    int  `json:"sentBack"`
		OtherPost   int  `json:"otherPost"`
		Rescans     int  `json:"rescans"`
		Quarantined int  `json:"quarantined"`
		Equal       bool `json:"equal"`
	} `json:"pieces"`
	List []struct {
		Piece string `json:"piece"`
		File  string `json:"file"`
		State string `json:"state"`
		Code  string `json:"code"`
	} `json:"list"`
}

// place is where one file goes.
type place struct {
	File    string `json:"file"`
	State   string `json:"state"`
	Address string `json:"address"`
	Fields  []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"fields"`
	Seconds int `json:"seconds"`

	ends time.Time // of the form, by our clock
}

func (p *place) signedNow() {
	p.ends = time.Now().Add(time.Duration(p.Seconds)*time.Second - time.Minute)
}

// isGood says that a file may still begin to go by the form.
func (p *place) isGood() bool { return p != nil && p.Address != "" && time.Now().Before(p.ends) }

func (v *server) open(ctx context.Context, key string, d declaration) (string, error) {
	var b book
	err := v.call(ctx, http.MethodPost, "/api/mailroom/batches", key, d, &b)
	return b.Batch, err
}

func (v *server) book(ctx context.Context, batch string) (b book, err error) {
	err = v.call(ctx, http.MethodGet, "/api/mailroom/batches/"+url.PathEscape(batch), "", nil, &b)
	return b, err
}

// announced is a file as it is announced.
type announced struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

func (v *server) announce(ctx context.Context, batch, key, per string, files []announced) ([]place, error) {
	var answer struct {
		Files []place `json:"files"`
	}
	err := v.call(ctx, http.MethodPost, "/api/mailroom/batches/"+url.PathEscape(batch)+"/files", key, map[string]any{"files": files, "envelopes": per}, &answer)
	if err == nil && len(answer.Files) != len(files) {
		err = sentence("The server has made places for another number of files than it was asked to. Tell whoever runs the service.")
	}
	for n := range answer.Files {
		answer.Files[n].signedNow()
	}
	return answer.Files, err
}

func (v *server) form(ctx context.Context, id string) (*place, error) {
	var at place
	if err := v.call(ctx, http.MethodPost, "/api/mailroom/files/"+url.PathEscape(id)+"/form", "", nil, &at); err != nil {
		return nil, err
	}
	at.signedNow()
	return &at, nil
}

// sent asks for the receipt of a file. A *problem, if the server does not have the file.
func (v *server) sent(ctx context.Context, id string, size int64) error {
	var r struct {
		Received bool `json:"received"`
	}
	err := v.call(ctx, http.MethodPost, "/api/mailroom/files/"+url.PathEscape(id)+"/sent", "", map[string]int64{"bytes": size}, &r)
	if err == nil && !r.Received {
		err = &problem{Status: http.StatusConflict, Code: "file-not-there"}
	}
	return err
}
