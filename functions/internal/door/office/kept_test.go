package office_test

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// What was typed for longer than a session lasts can be sent from where it is, once somebody has signed in.
func TestWhatWasTypedOutlivesTheSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	b := h.clerk()
	page := b.get(formAt(ref, "assign"))
	page.says(t, "a page to type on", 200, "If you send nothing for 15 minutes you are signed out")
	if !strings.Contains(page.body, `data-stay="/office/stay"`) {
		t.Error("nobody is warned")
	}
	h.Move(16 * time.Minute)
	a := b.fill(formAt(ref, "assign"), values("practice", "A81001", "text", `"kept" words`, "key", "k1"))
	a.says(t, "a page sent too late", 401, "You have been signed out because you were away", "Nothing was changed.", "Send it again")
	form := values()
	for _, f := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(a.body, -1) {
		form.Add(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	if !strings.Contains(a.body, `action="`+formAt(ref, "assign")+`"`) || form.Get("text") != `"kept" words` || form.Get("key") != "k1" {
		t.Errorf("it cannot be sent again: %v", form)
	}
	b = h.clerk()
	b.get("/office/stay").says(t, "signed in once more", 200, "You are signed in")
	b.fill(formAt(ref, "assign"), form).leads(t, "sent again", "/office?done=assigned")
}

// A page that has said something, gone back to and changed, says nothing more under the same key.
func TestAPageThatWasSentShowsHowTheFormStandsWhenItIsSentAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	b := h.clerk()
	b.fill(formAt(ref, "number"), values("number", optouttest.Number(), "key", "k1")).leads(t, "a number", formAt(ref, "")+"?done=numbered")
	a := b.fill(formAt(ref, "number"), values("number", optouttest.Number(), "key", "k1"))
	a.says(t, "another one from the same page", 409, "You have already said something about this form from that page. This is how it stands.", "What has happened")
	if strings.Contains(a.body, "Take a new one") {
		t.Error("a person is asked for a new key")
	}
}

func TestWhatAPracticeWroteToWhoeverFindsAnotherOneIsShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	for _, why := range []optout.Reason{optout.NotOurPatient, optout.HasMoved} {
		b.get(formAt(h.returned(why), "")).says(t, string(why), 200, "in our own words")
	}
}

func TestRefusedPagesSayWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	b := h.clerk()
	b.get(formAt(ref, "nowhere")).says(t, "no page", 404, "There is nothing here", "Check the address, or begin at the first page.", "Nina Cole", "Sign out")
	stranger := h.signIn("u-7", "ods-A81001")
	stranger.get("/office").says(t, "somebody else", 403, "This is not for you", "Nina Cole", "Sign out")
	h.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	a := b.get(formAt(ref, ""))
	a.says(t, "the table away", 503)
	if a.status != http.StatusServiceUnavailable || strings.Contains(a.body, "same key") {
		t.Errorf("people read of keys: %s", a.text(t))
	}
}

func TestTheReadBackIsThereAgainWhenTheTableWasAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	m := sealed.FindStringSubmatch(b.fill("/office/phone", values(said()...)).body)
	h.Fate = func(method string) optouttest.Fate {
		if slices.Contains([]string{"Register", "Record", "Look"}, method) {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	a := b.fill("/office/phone/confirm", values("sealed", m[1], "do", "send"))
	a.says(t, "the table away", 503, "Read this back to the person", "Nothing that you typed is lost")
	h.Fate = nil
	done := b.fill("/office/phone/confirm", values("sealed", sealed.FindStringSubmatch(a.body)[1], "do", "send"))
	page := b.get(done.header.Get("Location"))
	page.says(t, "sent again", 200, "It is registered", "If none was, or it has closed, it comes to the office's own list.")
	ref := regexp.MustCompile(`id="reference" dir="ltr">([^<]+)<`).FindStringSubmatch(page.body)[1]
	boss := h.signIn("u-9", "office", "supervisor")
	boss.get("/office/forms/"+ref+"/looks").says(t, "the looks", 200, "The form, as they entered it")
	other := h.signIn("u-6", "office")
	other.get(done.header.Get("Location")).leads(t, "somebody else's receipt", "/office/phone")
}

// The list is in the order in which forms were received, and says when that was.
func TestAListSaysByWhatItIsOrdered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nil)
	h.Move(3 * 24 * time.Hour)
	practice := optout.Actor{Role: optout.AtPractice, Practice: densham, ID: "u-1"}
	if _, err := h.custody.Collect(t.Context(), ref, practice, optout.Said{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.custody.Return(t.Context(), ref, practice, optout.Said{Text: "x"}, optout.OtherReason); err != nil {
		t.Fatal(err)
	}
	h.clerk().get("/office").says(t, "the list", 200, "22 Nov 2026, 3 days ago; here since 25 Nov 2026, today")
}
