// Package mailroom is the mailroom's door: a clerk opens a batch of envelopes, sends the scans of what was in them, and
// keys each piece from its picture at the desk. Each envelope is accounted for, or its batch does not close.
//
// Scans go straight from the browser into the bucket, each to a place that is on the books before. What is personal is
// shown at the desk and with a form; a batch's own pages show the names of files, which clerks choose.
package mailroom

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"slices"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// Store is what the door asks of the table.
type Store interface {
	optout.Store
	worklist.Store
	upload.Store
	batch.Store
}

// Files is the bucket into which scans are put, and from which the pictures of their pages are shown.
type Files interface {
	// Form signs a form by which a browser or a client puts a file there.
	Form(ctx context.Context, file bucket.File) (bucket.Form, error)
	// Picture signs an address at which a picture is shown within a page, for a minute.
	Picture(ctx context.Context, key string) (string, error)
	// Find gives the versions of a file, the newest first; none, if it was never put there.
	Find(ctx context.Context, key string) ([]upload.Object, error)
	// Origin is where forms go and pictures come from, for the pages' policy.
	Origin(ctx context.Context) string
}

// Door is the mailroom's door.
type Door struct {
	Store       Store
	Files       Files
	Keys        keyring.Keyring
	SignIn      *signin.Door // its pages are filled in by Handler
	Controller  string       // the data controller's name
	Contact     string       // how to reach the controller, for letters; "": not said
	NHS         bool         // the NHS logo may be shown
	TestNumbers bool
	Twice       int // of a hundred pieces, how many are keyed by two people
	Sample      int // of a hundred forms that have come to their outcome, how many are read once more
	Practices   Practices
	Now         func() time.Time

	house *staff.House
}

// Route is one address of the door.
type Route struct {
	Method, Path string
	serve        func(*Door) http.HandlerFunc
}

// Routes are the door's addresses in the order in which people meet them; template.yaml has the same ones.
var Routes = slices.Concat([]Route{
	{"GET", "/mailroom", page((*Door).home)},
	{"GET", "/mailroom/signed-in", func(d *Door) http.HandlerFunc { return d.SignIn.SignedIn }},
	{"POST", "/mailroom/sign-out", func(d *Door) http.HandlerFunc { return d.SignIn.SignOut }},
	{"GET", "/mailroom/stay", page((*Door).stay)},
	{"GET", "/mailroom/signed-out", func(d *Door) http.HandlerFunc { return d.bye }},
	{"GET", "/mailroom/open", page((*Door).blank)},
	{"POST", "/mailroom/open", page((*Door).open)},
	{"GET", "/mailroom/batches/{batch}", page(onBatch((*Door).books))},
	{"GET", "/mailroom/batches/{batch}/{page}", page(onBatch((*Door).batchPage))},
	{"POST", "/mailroom/batches/{batch}/{page}", page(onBatch((*Door).actOnBatch))},
	{"GET", "/mailroom/batches/{batch}/arrived/{upload}", page(onBatch((*Door).arrived))},
	{"GET", "/mailroom/batches/{batch}/pieces/{piece}", page(onPiece((*Door).pieceBooks))},
	{"GET", "/mailroom/batches/{batch}/pieces/{piece}/{what}", page(onPiece((*Door).piecePage))},
	{"POST", "/mailroom/batches/{batch}/pieces/{piece}/{what}", page(onPiece((*Door).setPiece))},
}, deskRoutes, []Route{
	{"GET", "/mailroom/letters", page((*Door).letters)},
	{"GET", "/mailroom/forms/{reference}", page(onForm((*Door).form))},
	{"GET", "/mailroom/forms/{reference}/{page}", page(onForm((*Door).formPage))},
	{"POST", "/mailroom/forms/{reference}/{page}", page(onForm((*Door).actOnForm))},
	{"GET", "/mailroom/supervise", supervised((*Door).supervise)},
	{"GET", "/mailroom/find", supervised((*Door).find)},
}, apiRoutes)

// page serves those who have signed in.
func page(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session)) func(*Door) http.HandlerFunc {
	return func(d *Door) http.HandlerFunc {
		return d.SignIn.Staff(func(w http.ResponseWriter, r *http.Request, s signin.Session) { serve(d, w, r, s) })
	}
}

// supervised serves supervisors alone.
func supervised(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session)) func(*Door) http.HandlerFunc {
	return page(func(d *Door, w http.ResponseWriter, r *http.Request, s signin.Session) {
		if s.Role != optout.Supervisor {
			d.house.Refuse(w, r, problem.NotForYou)
			return
		}
		serve(d, w, r, s)
	})
}

// onBatch serves a page of a batch, which the address names as {batch}.
func onBatch(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session, batch.Batch)) func(*Door, http.ResponseWriter, *http.Request, signin.Session) {
	return func(d *Door, w http.ResponseWriter, r *http.Request, s signin.Session) {
		id, ok := batch.ParseID(r.PathValue("batch"))
		if !ok {
			d.house.Refuse(w, r, problem.NoSuchBatch)
			return
		}
		switch b, err := d.Store.Batch(r.Context(), id); {
		case errors.Is(err, optout.ErrNotFound):
			d.house.Refuse(w, r, problem.NoSuchBatch)
		case err != nil:
			d.house.Fail(w, r, err)
		default:
			serve(d, w, r, s, b)
		}
	}
}

// longestPiece is longer than any id of a piece.
const longestPiece = 64

// onPiece serves a page of a piece, which the address names as {batch} and {piece}.
func onPiece(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session, batch.Piece)) func(*Door, http.ResponseWriter, *http.Request, signin.Session) {
	return func(d *Door, w http.ResponseWriter, r *http.Request, s signin.Session) {
		id, ok := batch.ParseID(r.PathValue("batch"))
		piece := r.PathValue("piece")
		if !ok || len(piece) > longestPiece {
			d.house.Refuse(w, r, problem.NoSuchPiece)
			return
		}
		switch p, err := d.Store.Piece(r.Context(), batch.At{Batch: id, ID: piece}); {
		case errors.Is(err, optout.ErrNotFound):
			d.house.Refuse(w, r, problem.NoSuchPiece)
		case err != nil && r.Method == http.MethodPost && door.WantsPage(r):
			d.keeps(w, r, err)
		case err != nil:
			d.house.Fail(w, r, err)
		default:
			serve(d, w, r, s, p)
		}
	}
}

// keeps answers what somebody has typed and cannot be taken now with all of it, to be sent again from there.
func (d *Door) keeps(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Of(err)
	if p.Status != http.StatusServiceUnavailable {
		d.house.Fail(w, r, err)
		return
	}
	observe.Cause(r.Context(), err)
	w.Header().Set("Retry-After", "30")
	d.house.Resend(w, r, p, "/mailroom/stay", "See whether the service answers again")
}

//go:embed *.gohtml
var pages embed.FS

// Handler serves the routes.
func (d *Door) Handler() http.Handler {
	bucket := func() []string { return []string{d.Files.Origin(context.Background())} }
	d.house = &staff.House{
		Home: "/mailroom", Service: "Summary Care Record opt-outs: the mailroom", Controller: d.Controller, NHS: d.NHS, Pages: pages, Looks: d.Store, Now: d.Now,
		Sheets: bucket, Calls: bucket, Pictures: bucket,
		Parts: []staff.Part{{Text: "Batches", Href: "/mailroom"}, {Text: "The desk", Href: "/mailroom/desk"}, {Text: "Letters", Href: "/mailroom/letters"}, {Text: "For supervisors", Href: "/mailroom/supervise", Supervised: true}},
	}
	d.house.Open()
	d.SignIn.Refuse, d.SignIn.Bye = d.house.Refuse, d.bye
	var routes []door.Route
	for _, r := range Routes {
		routes = append(routes, door.Route{Method: r.Method, Path: r.Path, Serve: r.serve(d)})
	}
	return door.Handler(routes, d.house.Policy(), d.house.Refuse)
}

// mailroom is how people act on batches and pieces.
func (d *Door) mailroom() batch.Mailroom {
	return batch.Mailroom{Store: d.Store, Registrar: optout.Registrar{Store: d.Store, Keys: d.Keys, Now: d.Now}, Rules: d.rules, Twice: d.Twice, Sample: d.Sample, Now: d.Now}
}

// custody is how the mailroom acts on forms that it holds.
func (d *Door) custody() optout.Custody {
	return optout.Custody{Store: d.Store, Keys: d.Keys, Practices: d.Practices, Now: d.Now}
}

// rules are those by which a form is judged now.
func (d *Door) rules() optout.Rules {
	return optout.Rules{Today: d.today(), TestNumbers: d.TestNumbers, Staff: true, Practices: d.Practices}
}

func (d *Door) today() nhs.Date { return nhs.DateOf(d.Now()) }

// stay keeps somebody signed in: GET /mailroom/stay.
func (d *Door) stay(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.house.Staying(w, r, s)
}

// bye says that somebody has signed out: GET /mailroom/signed-out.
func (d *Door) bye(w http.ResponseWriter, r *http.Request) { d.house.Bye(w, r) }
