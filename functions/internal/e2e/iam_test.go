package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// Every function does all of its work with its role and nothing is refused; and without any one thing that a role
// grants, the runner refuses either to start or the call that needs it. So a role grants what is used, all of it,
// and nothing else.
func TestRolesAllowWhatIsDoneAndNothingElse(t *testing.T) {
	t.Parallel()
	states := t.TempDir()
	whole := filepath.Join(states, "whole")
	s := start(t, whole, "-sweeper=off")
	if err := errors.Join(s.walkAll(), s.flip("stream", true), s.walkPractice(), s.walkPaper()); err != nil {
		t.Fatalf("with all grants: %v", err)
	}
	s.interrupt()
	state := filepath.Join(states, "postponed")
	if err := share(whole, state); err != nil {
		t.Fatal(err)
	}
	s = start(t, state, "-stream=off", "-sweeper=off", "-set", "PracticeAddress=throttle@{ods}.example")
	if err := s.walkPostponed(); err != nil {
		t.Fatalf("with all grants, a practice that cannot be told: %v", err)
	}
	s.interrupt()

	grants := grantsOf(t)
	if len(grants) < 20 {
		t.Fatalf("only %d grants were found in the template", len(grants))
	}
	if only := os.Getenv("ROLES"); only != "" { // ROLES="ReaderRole ReaderClockRole": these alone, for who works on them
		grants = slices.DeleteFunc(grants, func(g grant) bool { return !slices.Contains(strings.Fields(only), g.role) })
	}
	caught := make([]string, len(grants))
	next := make(chan int)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for n := range next {
				state := filepath.Join(states, fmt.Sprintf("without-%d", n))
				var err error
				if caught[n], err = catch(t, state, whole, grants[n]); err != nil {
					t.Errorf("%s was taken away and nobody missed it: %v", grants[n], err)
				}
			}
		})
	}
	for n := range grants {
		next <- n
	}
	close(next)
	all.Wait()
	for n, g := range grants {
		t.Logf("%-62s caught by %s", g, caught[n])
	}
}

// walkPostponed has both functions meet a practice that cannot be told now, so that no mail arrives.
func (s *stack) walkPostponed() error {
	meet := func(code string, push func() error) error {
		if _, err := s.register(code, optouttest.Number()); err != nil {
			return err
		}
		return s.await(code+" is postponed", func() bool { return push() == nil && s.digest(code, "attempts") != "" })
	}
	if err := meet("A81001", func() error { return s.sweepAt(time.Now()) }); err != nil {
		return fmt.Errorf("by the sweeper: %w", err)
	}
	if err := s.flip("stream", true); err != nil {
		return err
	}
	if err := meet("A81002", func() error { return nil }); err != nil {
		return fmt.Errorf("by the stream: %w", err)
	}
	if n := len(s.mails()); n > 0 {
		return fmt.Errorf("%d mails arrived", n)
	}
	return nil
}

// walkAll lets every function do everything there is: first by the stream, then by the sweeper alone. It ends
// at the first thing that does not come about.
func (s *stack) walkAll() error {
	practice := func(code string, push func() error) error {
		person := optouttest.Number()
		for _, f := range []struct{ code, person string }{
			{code, person}, {"", optouttest.Number()}, // "": nobody's form, which goes to the office
			{code, person}, // the first one's once more, which is linked to it
		} {
			ref, err := s.register(f.code, f.person)
			if err != nil {
				return err
			}
			if err := s.await("a form leaves the door", func() bool { return push() == nil && s.version(ref) > 1 }); err != nil {
				return err
			}
		}
		if err := s.await(code+" has a mail on record", func() bool { return push() == nil && s.digest(code, "mails") == "1" }); err != nil {
			return err
		}
		// The next form of the day: the practice is told tomorrow.
		if _, err := s.register(code, optouttest.Number()); err != nil {
			return err
		}
		return s.await(code+" is told of the next form tomorrow", func() bool {
			due, err := time.Parse(time.RFC3339, strings.SplitN(s.digest(code, "DSK"), "#", 2)[0])
			return push() == nil && err == nil && time.Until(due) > time.Hour
		})
	}
	if err := practice("A81002", func() error { return nil }); err != nil {
		return fmt.Errorf("by the stream: %w", err)
	}
	if err := s.walkOffice(); err != nil {
		return fmt.Errorf("at the office: %w", err)
	}
	if err := s.flip("stream", false); err != nil {
		return err
	}
	if err := practice("A81001", func() error { return s.sweepAt(time.Now()) }); err != nil {
		return fmt.Errorf("by the sweeper: %w", err)
	}
	// Weeks later: reminders, what the office has left, and the mail that had to wait.
	for _, days := range []int{2, 30} {
		if err := s.sweepAt(time.Now().AddDate(0, 0, days)); err != nil {
			return err
		}
	}
	if err := s.await("the mail that had to wait", func() bool { return s.digest("A81001", "mails") >= "2" }); err != nil {
		return err
	}
	if r := s.refusals(); len(r) > 0 {
		return fmt.Errorf("refused: %v", r)
	}
	return nil
}

// register hands in a form, hands it in again, and asks for its status.
func (s *stack) register(practice, person string) (reference string, err error) {
	body := answers(s.t, practice, func(a *optout.Answers) {
		a.Subject.NHSNumber = person
		if practice == "" {
			a.NotRegistered = true
		}
	})
	key := newKey()
	first, err := s.post("/api/forms", key, body)
	if err != nil || first.status != http.StatusCreated {
		return "", fmt.Errorf("not registered: %d %s %w", first.status, first.body, errors.Join(err, s.denied()))
	}
	again, err := s.post("/api/forms", key, body)
	if err != nil || !again.replayed || again.body != first.body {
		return "", fmt.Errorf("not answered again: %d %s %w", again.status, again.body, errors.Join(err, s.denied()))
	}
	var r receipt
	if err := json.Unmarshal([]byte(first.body), &r); err != nil {
		return "", err
	}
	status, err := s.post("/api/status", "", fmt.Sprintf(`{"reference":%q,"birthDate":"1957-03-31"}`, r.Reference))
	if err != nil || status.status != http.StatusOK {
		return "", fmt.Errorf("no status: %d %s %w", status.status, status.body, errors.Join(err, s.denied()))
	}
	return r.Reference, nil
}

// await waits for a condition, but no longer than until something is refused: it will not come about then.
func (s *stack) await(what string, holds func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); ; {
		if holds() {
			return s.denied()
		}
		if err := s.denied(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("%s: not within %v", what, patience)
		}
	}
}

type refusal struct{ Function, Action, Resource string }

// refusals are what the runner has refused to functions.
func (s *stack) refusals() []refusal {
	var st struct{ Refusals []refusal }
	s.ask("/status.json", &st)
	return st.Refusals
}

// denied is an error if something was refused.
func (s *stack) denied() error {
	if r := s.refusals(); len(r) > 0 {
		return fmt.Errorf("refused: %v", r)
	}
	return nil
}

// ask reads a JSON page of the console; without an answer v stays as it is.
func (s *stack) ask(path string, v any) {
	resp, err := http.Get(s.where + path)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	_ = json.NewDecoder(resp.Body).Decode(v)
}

// attribute is an attribute of an item as text, or empty.
func (s *stack) attribute(pk, sk, name string) string {
	var items []map[string]any
	s.ask("/items.json?pk="+url.QueryEscape(pk), &items)
	for _, i := range items {
		if i["SK"] == sk && i[name] != nil {
			return fmt.Sprint(i[name])
		}
	}
	return ""
}

// digest is an attribute of a practice's digest.
func (s *stack) digest(practice, name string) string { return s.attribute("P#"+practice, "D", name) }

// version is how many events a form has.
func (s *stack) version(reference string) (n int) {
	_, _ = fmt.Sscan(s.attribute("F#"+strings.ReplaceAll(reference, "-", ""), "F", "v"), &n)
	return n
}

// sweepAt lets the sweeper run with a time of our choice.
func (s *stack) sweepAt(at time.Time) error {
	return s.order("/schedule", url.Values{"event": {"ClockSweep/EveryMinute"}, "time": {at.Format(time.RFC3339)}})
}

// flip turns the stream or the sweeper on or off.
func (s *stack) flip(what string, on bool) error {
	return s.order("/switch", url.Values{"what": {what}, "on": {strconv.FormatBool(on)}})
}

// order has the console do something.
func (s *stack) order(path string, form url.Values) error {
	r, err := http.NewRequest(http.MethodPost, s.where+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, resp.StatusCode, b)
	}
	return nil
}

// grant is one thing that can be taken from a role: an action of a statement, or one of its resources if it has
// several.
type grant struct {
	role, action, resource string
	without                []byte // the template
}

func (g grant) String() string { return strings.TrimSpace(g.role + " " + g.action + " " + g.resource) }

// grantsOf reads the template and finds everything that can be taken away.
func grantsOf(t *testing.T) (all []grant) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// Each grant is taken from a template of its own.
	for n := 0; ; n++ {
		var template yaml.Node
		if err := yaml.Unmarshal(source, &template); err != nil {
			t.Fatal(err)
		}
		g, ok := takeGrant(&template, n)
		if !ok {
			return all
		}
		if g.without, err = yaml.Marshal(&template); err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
}

// takeGrant takes the nth grant of a template away.
func takeGrant(template *yaml.Node, n int) (grant, bool) {
	resources := child(template.Content[0], "Resources")
	for i := 0; i+1 < len(resources.Content); i += 2 {
		role, r := resources.Content[i].Value, resources.Content[i+1]
		if child(r, "Type").Value != "AWS::IAM::Role" {
			continue
		}
		for _, policy := range child(child(r, "Properties"), "Policies").Content {
			statements := child(child(policy, "PolicyDocument"), "Statement")
			for j, statement := range statements.Content {
				actions, on := child(statement, "Action"), child(statement, "Resource")
				granted := actions.Content
				if actions.Kind == yaml.ScalarNode {
					granted = []*yaml.Node{actions}
				}
				for k, action := range granted {
					if n--; n >= 0 {
						continue
					}
					if len(granted) == 1 { // a statement without an action is none
						statements.Content = slices.Delete(statements.Content, j, j+1)
					} else {
						actions.Content = slices.Delete(granted, k, k+1)
					}
					return grant{role: role, action: action.Value}, true
				}
				if on.Kind != yaml.SequenceNode || len(on.Content) < 2 {
					continue
				}
				for k, resource := range on.Content {
					if n--; n >= 0 {
						continue
					}
					on.Content = slices.Delete(on.Content, k, k+1)
					return grant{role: role, action: granted[0].Value, resource: resource.Value}, true
				}
			}
		}
	}
	return grant{}, false
}

// child is the value of a key of a mapping.
func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return &yaml.Node{}
}

// share makes a state folder that uses what was built for another.
func share(built, state string) error {
	if err := os.Mkdir(state, 0o700); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(built, "build"), filepath.Join(state, "build"))
}

// catch starts a stack without a grant and says who misses it. That something fails is not enough: it must be the
// grant that is named as the cause. The functions have been built by another stack.
func catch(t testing.TB, state, built string, g grant) (string, error) {
	if err := share(built, state); err != nil {
		return "", err
	}
	template := filepath.Join(state, "template.yaml")
	if err := os.WriteFile(template, g.without, 0o600); err != nil {
		return "", err
	}
	s, said, err := tryStart(t, state, "-sweeper=off", "-template", template)
	if err != nil {
		return "", err
	}
	if s == nil {
		if !strings.Contains(said, "Resources."+g.role+": "+g.action+" on ") {
			return "", fmt.Errorf("the start was refused for another reason:\n%s", said)
		}
		return "the start", nil
	}
	defer s.kill()
	walk := s.walkAll
	switch g.role {
	case "PracticeRole", "ReaderRole", "ReaderClockRole":
		walk = s.walkPractice
	case "MailroomRole", "ScansRole", "ScansClockRole":
		walk = s.walkPaper
	}
	failed := walk()
	for _, r := range s.refusals() {
		if r.Function+"Role" == g.role && r.Action == g.action {
			return fmt.Sprintf("refusal on %s", r.Resource[strings.LastIndex(r.Resource, ":")+1:]), nil
		}
	}
	return "", fmt.Errorf("the walk: %v; refused: %v", failed, s.refusals())
}
