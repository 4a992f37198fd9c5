package notice

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"example.org/optout/functions/internal/digest"
)

func TestTheMailCountsAndNamesNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n             digest.Notice
		subject, body string
		silent        string
	}{
		{digest.Notice{AtLeast: 1}, "at least 1 form waits", "at least 1 form waits", "the list"},
		{digest.Notice{AtLeast: 3}, "at least 3 forms wait", "at least 3 forms wait", "the list"},
		{digest.Notice{AtLeast: 3, Extract: true}, "at least 3 forms wait", "run the list of patients", "0 form"},
		{digest.Notice{Extract: true}, "please send your practice's list", "run the list of patients", "forms wait"},
	} {
		var sent *sesv2.SendEmailInput
		id := "m-1"
		e := Email{by: Sender{From: "optout@example.invalid", Set: "mail"}, send: func(_ context.Context, in *sesv2.SendEmailInput, _ ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
			sent = in
			return &sesv2.SendEmailOutput{MessageId: &id}, nil
		}}
		c.n.To, c.n.Practice = "a81001@practice.example", "A81001"
		got, err := e.Tell(t.Context(), c.n)
		if err != nil || got != id {
			t.Errorf("%q, %v", got, err)
		}
		m := sent.Content.Simple
		if !strings.Contains(*m.Subject.Data, c.subject) || !strings.Contains(*m.Body.Text.Data, c.body) || strings.Contains(*m.Body.Text.Data, c.silent) ||
			sent.Destination.ToAddresses[0] != "a81001@practice.example" || *sent.FromEmailAddress != e.by.From {
			t.Errorf("%+v: sent %q: %q", c.n, *m.Subject.Data, *m.Body.Text.Data)
		}
		if tags := sent.EmailTags; *sent.ConfigurationSetName != "mail" || len(tags) != 1 || *tags[0].Name != "practice" || *tags[0].Value != "A81001" {
			t.Errorf("%+v: what becomes of it is said to %q of %v", c.n, *sent.ConfigurationSetName, tags)
		}
	}
}

func TestWhatIsRefusedForGoodAndWhatMayPass(t *testing.T) {
	t.Parallel()
	type outcome struct {
		code string
		hope digest.Hope
	}
	for err, want := range map[error]outcome{
		&types.MessageRejected{Message: ptr("Email address is not verified: jo@practice.example")}: {"mail-rejected", digest.Refused},
		&types.BadRequestException{Message: ptr("jo@practice.example")}:                            {"mail-malformed", digest.Refused},
		&types.TooManyRequestsException{}:                                                          {"TooManyRequestsException", digest.Passing},
		&types.SendingPausedException{}:                                                            {"SendingPausedException", digest.Passing},
		&smithy.GenericAPIError{Code: "InternalFailure", Message: "jo@practice.example"}:           {"InternalFailure", digest.Passing},
		errors.New("connection reset"):                                                             {"no-answer", digest.Unanswered},
	} {
		e := Email{send: func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
			return nil, err
		}}
		_, got := e.Tell(t.Context(), digest.Notice{To: "jo@practice.example", AtLeast: 1})
		var u *digest.Undelivered
		if !errors.As(got, &u) || u.Code != want.code || u.Hope != want.hope {
			t.Errorf("%v is %v, want %v", err, got, want)
		}
		if strings.Contains(got.Error(), "jo@") {
			t.Errorf("%v quotes the address", got)
		}
	}
}

func ptr[T any](v T) *T { return &v }
