package mailroom

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// deskRoutes are the addresses at which pieces are keyed.
var deskRoutes = []Route{
	{"GET", "/mailroom/desk", page((*Door).desk)},
	{"POST", "/mailroom/desk", page((*Door).next)},
	{"GET", "/mailroom/desk/practices", page((*Door).practices)},
	{"GET", "/mailroom/desk/{batch}/{piece}", page(onPiece((*Door).deskPiece))},
	{"POST", "/mailroom/desk/{batch}/{piece}", page(onPiece((*Door).actAtDesk))},
	{"POST", "/mailroom/desk/{batch}/{piece}/lease", page(onPiece((*Door).renew))},
	{"GET", "/mailroom/desk/{batch}/{piece}/pages/{n}", page(onPiece((*Door).picture))},
}

// Practices is the directory of practices in England.
type Practices interface {
	optout.Practices
	// Search gives the open practices that somebody may mean by what they typed, best first.
	Search(query string, limit int) []directory.Practice
	// Find gives the practice with this code, open or not.
	Find(code nhs.ODSCode) (directory.Practice, bool)
}

// way is how somebody goes through the pieces: from which list, of which batch alone, and whether with a stop after each.
type way struct {
	Stage batch.Stage
	Batch string // "": of all
	Stop  bool
}

// wayIn reads a way out of an address or a form. What it does not say is as most want it.
func wayIn(get func(string) string, s signin.Session) way {
	v := way{Stage: batch.Stage(get("stage")), Stop: get("stop") == "yes"}
	if !slices.Contains(deskLists, v.Stage) || v.Stage == batch.Supervise && s.Role != optout.Supervisor {
		v.Stage = batch.Keying1
	}
	v.Batch, _ = batch.ParseID(get("batch"))
	return v
}

// query is the way as an address says it, with more to say.
func (v way) query(more ...string) string {
	q := url.Values{"stage": {string(v.Stage)}}
	if v.Batch != "" {
		q.Set("batch", v.Batch)
	}
	if v.Stop {
		q.Set("stop", "yes")
	}
	for n := 0; n+1 < len(more); n += 2 {
		if more[n+1] != "" {
			q.Set(more[n], more[n+1])
		}
	}
	return "?" + q.Encode()
}

// hidden keeps in a form from which list and batch pieces are taken.
func (v way) hidden() template.HTML {
	return staff.Hidden("stage", string(v.Stage)) + staff.Hidden("batch", v.Batch)
}

func deskAt(at batch.At) string {
	return "/mailroom/desk/" + url.PathEscape(at.Batch) + "/" + url.PathEscape(at.ID)
}

// waitingList is one of the desk's lists on its first page.
type waitingList struct {
	Stage       batch.Stage
	Text, About string
	Waiting     string
	Next        template.HTML // a form with a button; "" where nothing waits
}

// deskLists are the desk's lists. That of a supervisor has all that one decides; a file that nobody can read is nothing to key.
var deskLists = []batch.Stage{batch.Keying1, batch.Keying2, batch.Supervise, batch.Sampled}

// listOf is the list at the desk on which a piece is.
func listOf(p batch.Piece) batch.Stage {
	if s := p.Stage(); s != batch.Alarmed && s != batch.Differing {
		return s
	}
	return batch.Supervise
}

var stageWords = map[batch.Stage]struct{ text, about, button string }{
	batch.Keying1:   {"To key", "Pieces that nobody has keyed yet.", "Next piece"},
	batch.Keying2:   {"To key once more", "Pieces that somebody else has keyed. You read the NHS number, the birth date and the choice, without seeing what they read.", "Next piece to key once more"},
	batch.Supervise: {"For a supervisor", "Pieces that two people read differently, or over which somebody raised an alarm.", "Next piece for a supervisor"},
	batch.Sampled:   {"To check", "A share of what is finished. You read it as if it were new, without seeing what it came to; it has gone on, and nothing waits for you.", "Next piece to check"},
}

// desk shows what waits: GET /mailroom/desk.
func (d *Door) desk(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.showDesk(w, r, s, wayIn(r.URL.Query().Get, s), 0, nil)
}

func (d *Door) showDesk(w http.ResponseWriter, r *http.Request, s signin.Session, v way, status int, faults []staff.Fault) {
	ctx := r.Context()
	var page struct {
		After *afterwards
		Batch string
		All   string
		Stays bool
		Lists []waitingList

		Supervises bool
	}
	page.Supervises = s.Role == optout.Supervisor
	page.After, page.Stays = d.after(ctx, s, v, r.URL.Query().Get("after")), v.Stop
	if v.Batch != "" {
		page.Batch, page.All = batch.Show(v.Batch), "/mailroom/desk"+way{Stage: v.Stage, Stop: v.Stop}.query()
	}
	waiting, err := d.waiting(ctx, v.Batch)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	for _, stage := range deskLists {
		if stage == batch.Supervise && s.Role != optout.Supervisor {
			continue
		}
		words, n := stageWords[stage], waiting[stage]
		l := waitingList{Stage: stage, Text: words.text, About: words.about, Waiting: waitingText(n)}
		if n > 0 {
			button := nhsui.Button{Text: words.button, ID: "next-" + string(stage), PreventDoubleClick: new(true)}
			if stage != v.Stage {
				button.Variant = "secondary"
			} else {
				button.Attributes = nhsui.Attributes{"autofocus": ""}
			}
			on := v
			on.Stage = stage
			l.Next = on.hidden() + nhsui.HTML(button)
		}
		page.Lists = append(page.Lists, l)
	}
	d.house.Show(w, s, staff.Page{
		Name: "desk", Status: status, Title: "The desk", Part: "/mailroom/desk", Script: "desk.js", Sheet: "desk.css", Faults: faults, Data: page,
	})
}

func waitingText(n int) string {
	switch {
	case n == 0:
		return "nothing waits"
	case n == 1:
		return "1 piece waits"
	}
	return strconv.Itoa(n) + " pieces wait"
}

// waiting counts what is on each list, of one batch if that is named.
func (d *Door) waiting(ctx context.Context, id string) (map[batch.Stage]int, error) {
	count := map[batch.Stage]int{}
	if id != "" {
		pieces, err := d.Store.Pieces(ctx, id)
		for _, p := range pieces {
			count[listOf(p)]++
		}
		return count, err
	}
	for _, stage := range batch.Stages {
		n, err := d.Store.QueueLength(ctx, stage)
		if err != nil {
			return nil, err
		}
		if stage == batch.Alarmed || stage == batch.Differing {
			stage = batch.Supervise
		}
		count[stage] += n
	}
	return count, nil
}

// next takes the next piece of a list and leads to it: POST /mailroom/desk.
func (d *Door) next(w http.ResponseWriter, r *http.Request, s signin.Session) {
	f, status, code := door.ReadForm(r)
	if code != "" {
		d.showDesk(w, r, s, wayIn(door.Form{}.Get, s), status, []staff.Fault{{Text: "What was sent is no form. Press the button again."}})
		return
	}
	v := wayIn(f.Get, s)
	switch p, err := d.takeNext(r.Context(), s, v); {
	case errors.Is(err, optout.ErrNotFound):
		staff.See(w, "/mailroom/desk"+v.query("after", "none"))
	case err != nil:
		d.house.Answer(w, r, err, staff.Outcome{Again: func(status int, faults []staff.Fault) { d.showDesk(w, r, s, v, status, faults) }})
	default:
		staff.See(w, deskAt(p.At)+v.query()+toWork(p))
	}
}

// toWork leads to the first field of a piece's page: it has the focus, and stands at the top of the window. Where a
// supervisor decides, what two people read stands above it.
func toWork(p batch.Piece) string {
	if listOf(p) == batch.Supervise {
		return ""
	}
	return "#want"
}

// takeNext takes the piece that is to be done next. optout.ErrNotFound, if there is none for this person.
func (d *Door) takeNext(ctx context.Context, s signin.Session, v way) (batch.Piece, error) {
	if v.Stage != batch.Supervise {
		return d.mailroom().Next(ctx, v.Stage, s.Actor, v.Batch)
	}
	pieces, _, err := d.forSupervisors(ctx)
	if err != nil {
		return batch.Piece{}, err
	}
	for _, p := range pieces {
		if p.Stage() == batch.Aside || v.Batch != "" && p.Batch != v.Batch { // what is done about a file is done elsewhere
			continue
		}
		p, err := d.mailroom().Take(ctx, p.At, s.Actor)
		if _, refused := errors.AsType[*optout.Refusal](err); refused || errors.Is(err, optout.ErrNotFound) {
			continue
		}
		return p, err
	}
	return batch.Piece{}, optout.ErrNotFound
}

// onward leads on from a piece that is done: to the next one, or to the desk, where the one that was done is named.
func (d *Door) onward(w http.ResponseWriter, r *http.Request, s signin.Session, v way, done batch.At) {
	after := done.Batch + "/" + done.ID
	if !v.Stop {
		if p, err := d.takeNext(r.Context(), s, v); err == nil {
			staff.See(w, deskAt(p.At)+v.query("after", after)+toWork(p))
			return
		} else if !errors.Is(err, optout.ErrNotFound) {
			observe.Cause(r.Context(), err) // what was done is done
		}
	}
	staff.See(w, "/mailroom/desk"+v.query("after", after))
}

// afterwards is what became of the piece that somebody has just done.
type afterwards struct {
	Text, Reference string
	At              string        // where it can be taken back; "": it cannot
	Way             template.HTML // hidden fields
}

// after says what became of the piece that the person has just done, as the books have it; nil for another's.
func (d *Door) after(ctx context.Context, s signin.Session, v way, done string) *afterwards {
	if done == "none" {
		return &afterwards{Text: "Nothing is left on this list that you could take. What a colleague has before them comes back when they put it back, or 15 minutes after they last did anything to it."}
	}
	at, ok := parseAt(done)
	if !ok {
		return nil
	}
	p, err := d.Store.Piece(ctx, at)
	if err != nil || len(p.History) == 0 {
		return nil
	}
	last := p.History[len(p.History)-1]
	if last.By != s.String() || d.Now().Sub(last.At) > batch.LeaseLasts {
		return nil
	}
	page := afterwards{Way: v.hidden()}
	page.Text, page.Reference = becameText(p, s)
	if page.Text == "" {
		return nil
	}
	if batch.CanUndo(p) {
		page.At = deskAt(at)
	}
	return &page
}

// becameText says what became of a piece that somebody has done something to, with its form's reference. Of two who key
// the same piece neither learns what the other read.
func becameText(p batch.Piece, s signin.Session) (text, reference string) {
	last := p.History[len(p.History)-1]
	blind := s.Role != optout.Supervisor && slices.ContainsFunc(p.History, func(e batch.Event) bool { return e.Kind == "keyed" })
	switch {
	case last.Kind == "read-again" && p.Stage() == batch.Alarmed:
		return "It is before a supervisor, at the top of their list. Go and tell one now.", ""
	case last.Kind == "read-again":
		return "What you read is recorded.", ""
	case last.Kind == "judged":
		return "What you decided is recorded.", ""
	case blind && p.Why != batch.Safeguarding && (p.Status == batch.Second || p.Status == batch.Disputed || p.Status == batch.Registered || p.Status == batch.Held):
		return "What you read is recorded.", ""
	case last.Kind == "undone":
		return "The piece waits again.", ""
	case p.Status == batch.Registered:
		return "It is registered.", p.Form.String()
	case p.Status == batch.Held:
		return "It is held: " + lower(reasonOf(p.Why).text) + ".", p.Form.String()
	case p.Status == batch.SentBack:
		return "It goes back to the sender: " + lower(reasonOf(p.Why).text) + ".", ""
	case p.Status == batch.OtherPost:
		return "It is other post: " + lower(reasonOf(p.Why).text) + ".", ""
	case p.Status == batch.Rescan:
		return "It is keyed from another scan.", ""
	case p.Status == batch.Disputed && p.Why == batch.Safeguarding:
		return "It is before a supervisor, at the top of their list. Go and tell one now.", ""
	}
	return "", ""
}

// parseAt reads where a piece is.
func parseAt(s string) (at batch.At, ok bool) {
	id, piece, ok := strings.Cut(s, "/")
	if at.Batch, _ = batch.ParseID(id); !ok || at.Batch == "" || len(piece) > longestPiece {
		return batch.At{}, false
	}
	at.ID = piece
	return at, true
}

// renew keeps a piece to whoever has it before them, as long as they work on it:
// POST /mailroom/desk/{batch}/{piece}/lease. It answers until when.
func (d *Door) renew(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	if p.HeldBy(d.Now()) != s.String() {
		d.house.Refuse(w, r, problem.NotYours)
		return
	}
	p, err := d.mailroom().Take(r.Context(), p.At, s.Actor)
	if _, refused := errors.AsType[*optout.Refusal](err); refused {
		d.house.Refuse(w, r, problem.NotYours)
		return
	} else if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	door.WriteJSON(w, http.StatusOK, struct {
		Until   time.Time `json:"until"`
		Clock   string    `json:"clock"`
		Seconds int       `json:"seconds"`
	}{p.Lease.Until, staff.Clock(p.Lease.Until), int(p.Lease.Until.Sub(d.Now()).Seconds())})
}
