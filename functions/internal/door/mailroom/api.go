package mailroom

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
)

// apiRoutes are the addresses of the mailroom's own client. There is one mailroom: a client that is let in acts on any of
// its batches.
var apiRoutes = []Route{
	{"POST", "/api/mailroom/batches", machine((*Door).openForSoftware)},
	{"GET", "/api/mailroom/batches/{batch}", machine((*Door).bookForSoftware)},
	{"POST", "/api/mailroom/batches/{batch}/files", machine((*Door).expectForSoftware)},
	{"POST", "/api/mailroom/batches/{batch}/close", machine((*Door).closeForSoftware)},
	{"GET", "/api/mailroom/files/{id}", machine((*Door).receiptForSoftware)},
	{"POST", "/api/mailroom/files/{id}/form", machine((*Door).formForSoftware)},
	{"POST", "/api/mailroom/files/{id}/sent", machine((*Door).sentBySoftware)},
}

// machine serves the mailroom's own software.
func machine(serve func(*Door, http.ResponseWriter, *http.Request, optout.Actor)) func(*Door) http.HandlerFunc {
	return func(d *Door) http.HandlerFunc {
		return d.SignIn.Machine(func(w http.ResponseWriter, r *http.Request, a optout.Actor) { serve(d, w, r, a) })
	}
}

// uuid is RFC 9562's text form, as at POST /api/forms.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// keyOf is the idempotency key of a request, or answers it.
func keyOf(w http.ResponseWriter, r *http.Request) (key string, ok bool) {
	switch key = strings.ToLower(strings.TrimSpace(r.Header.Get("Idempotency-Key"))); {
	case key == "":
		problem.Write(r.Context(), w, problem.KeyMissing)
	case !uuid.MatchString(key):
		problem.Write(r.Context(), w, problem.KeyNotUUID)
	default:
		return key, true
	}
	return "", false
}

// book is a batch for software: its two equations, and its pieces where they are asked for.
type book struct {
	Batch        string              `json:"batch"`
	State        string              `json:"state"` // open or closed
	Box          string              `json:"box"`
	Sequence     int                 `json:"sequence"`
	DestroyAfter string              `json:"destroyAfter,omitempty"`
	Opened       string              `json:"opened"`
	Closed       string              `json:"closed,omitempty"`
	Envelopes    envelopes           `json:"envelopes"`
	Pieces       pieces              `json:"pieces"`
	List         *[]pieceForSoftware `json:"list,omitempty"`
}

// envelopes is the first equation: opened = declared.
type envelopes struct {
	Declared int  `json:"declared"`
	Opened   int  `json:"opened"`
	Equal    bool `json:"equal"`
}

// pieces is the second equation: counted, which the batch counts itself = the sum of the others, which are counted from
// its pieces.
type pieces struct {
	Counted     int  `json:"counted"`
	Waiting     int  `json:"waiting"`
	Registered  int  `json:"registered"`
	Held        int  `json:"held"`
	SentBack    int  `json:"sentBack"`
	OtherPost   int  `json:"otherPost"`
	Rescans     int  `json:"rescans"`
	Quarantined int  `json:"quarantined"`
	Equal       bool `json:"equal"`
}

// pieceForSoftware is a piece. Nothing of it is personal but the name, which is what the client called its file.
type pieceForSoftware struct {
	Piece    string `json:"piece"`
	File     string `json:"file,omitempty"` // by which it was announced
	Name     string `json:"name,omitempty"`
	First    int    `json:"first,omitempty"`
	Last     int    `json:"last,omitempty"`
	Envelope int    `json:"envelope,omitempty"`
	State    string `json:"state"`
	Code     string `json:"code,omitempty"`
}

// book counts a batch.
func (d *Door) book(ctx context.Context, id string, list bool) (book, error) {
	b, all, err := d.mailroom().Whole(ctx, id)
	if err != nil {
		return book{}, err
	}
	l := batch.Count(b, all)
	k := book{
		Batch: batch.Show(b.ID), State: "open", Box: b.Box, Sequence: b.Sequence, DestroyAfter: b.Destroy.ISO(), Opened: instant(b.Opened),
		Envelopes: envelopes{l.Declared, l.Opened, l.Envelopes()},
		Pieces: pieces{
			Counted: l.Pieces, Waiting: l.Waiting, Registered: l.Of[batch.Registered], Held: l.Of[batch.Held], SentBack: l.Of[batch.SentBack],
			OtherPost: l.Of[batch.OtherPost], Rescans: l.Of[batch.Rescan], Quarantined: l.Of[batch.Quarantined], Equal: l.AddsUp(),
		},
	}
	if !b.IsOpen() {
		k.State, k.Closed = "closed", instant(b.Closed)
	}
	if !list {
		return k, nil
	}
	k.List = &[]pieceForSoftware{}
	for _, p := range all {
		*k.List = append(*k.List, pieceForSoftware{p.ID, p.Upload, p.Name, p.First, p.Last, p.Envelope, string(p.Status), p.Why})
	}
	return k, nil
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// openForSoftware opens a batch: POST /api/mailroom/batches. The same key again gets the same batch.
func (d *Door) openForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	ctx, began := r.Context(), d.Now().Truncate(time.Millisecond)
	key, ok := keyOf(w, r)
	if !ok {
		return
	}
	var x struct {
		Envelopes    int    `json:"envelopes"`
		Box          string `json:"box"`
		Sequence     int    `json:"sequence"`
		DestroyAfter string `json:"destroyAfter,omitempty"`
	}
	if p, faults := door.ReadJSON(r, &x); p.Code != "" {
		problem.Write(ctx, w, p, faults...)
		return
	}
	declared := batch.Declaration{Envelopes: x.Envelopes, Box: x.Box, Sequence: x.Sequence, Key: key}
	if x.DestroyAfter != "" {
		var err error
		if declared.Destroy, err = nhs.ParseDate(x.DestroyAfter); err != nil {
			problem.Write(ctx, w, problem.WrongAnswers, optout.FaultAt("/destroyAfter", err))
			return
		}
	}
	b, err := d.mailroom().Open(ctx, a, declared)
	var k book
	if err == nil {
		k, err = d.book(ctx, b.ID, false)
	}
	if err != nil {
		refuseSoftware(ctx, w, err)
		return
	}
	if b.Opened.Before(began) {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	observe.Note(ctx, "batch", b.ID)
	w.Header().Set("Location", "/api/mailroom/batches/"+k.Batch)
	door.WriteJSON(w, http.StatusCreated, k)
}

// bookForSoftware gives a batch's books: GET /api/mailroom/batches/{batch}.
func (d *Door) bookForSoftware(w http.ResponseWriter, r *http.Request, _ optout.Actor) {
	id, ok := batch.ParseID(r.PathValue("batch"))
	if !ok {
		problem.Write(r.Context(), w, problem.NoSuchBatch)
		return
	}
	b, err := d.Store.Batch(r.Context(), id)
	d.answerBook(w, r, b, true, err)
}

// closeForSoftware closes a batch: POST /api/mailroom/batches/{batch}/close. Closed already, it stays so.
func (d *Door) closeForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	id, ok := batch.ParseID(r.PathValue("batch"))
	if !ok {
		problem.Write(r.Context(), w, problem.NoSuchBatch)
		return
	}
	b, err := d.mailroom().Close(r.Context(), id, a)
	d.answerBook(w, r, b, false, err)
}

func (d *Door) answerBook(w http.ResponseWriter, r *http.Request, b batch.Batch, list bool, err error) {
	var k book
	if err == nil {
		observe.Note(r.Context(), "batch", b.ID)
		k, err = d.book(r.Context(), b.ID, list)
	}
	switch {
	case errors.Is(err, optout.ErrNotFound):
		problem.Write(r.Context(), w, problem.NoSuchBatch)
	case err != nil:
		refuseSoftware(r.Context(), w, err)
	default:
		door.WriteJSON(w, http.StatusOK, k)
	}
}

// refuseSoftware answers with what an error of the mailroom means to software.
func refuseSoftware(ctx context.Context, w http.ResponseWriter, err error) {
	faulty, isFaulty := errors.AsType[optout.Faulty](err)
	refusal, isRefusal := errors.AsType[*optout.Refusal](err)
	switch {
	case isFaulty:
		all := make([]optout.Fault, len(faulty))
		for n, f := range faulty {
			if f.Pointer == "/destroy" { // as software calls it
				f.Pointer = "/destroyAfter"
			}
			all[n] = f
		}
		problem.Write(ctx, w, problem.WrongAnswers, all...)
	case isRefusal && (refusal == optout.KeyUsed || refusal == batch.OpenedBefore):
		problem.Write(ctx, w, problem.KeyUsedBefore)
	case isRefusal:
		problem.Write(ctx, w, problem.Refused(refusal))
	default:
		problem.Error(ctx, w, err)
	}
}
