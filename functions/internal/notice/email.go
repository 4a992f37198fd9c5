// Package notice carries word to practices. E-mail counts what waits and never says whose.
package notice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"example.org/optout/functions/internal/digest"
)

// Email is a digest.Post by Amazon SES.
type Email struct {
	send Send
	by   Sender
}

// Send is the one operation of SES that is needed.
type Send func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)

// Sender is as whom mails are sent.
type Sender struct {
	From string // address
	Set  string // configuration set, which has SES say what became of each mail
	Door string // address of the practices' door: https://host/practice
}

// practiceTag names the practice in what SES says of a mail later (trigger.Mail). An ODS code is nothing personal.
const practiceTag = "practice"

// NewEmail sends as somebody. It holds the one operation it needs, not the client (see dynamo.Calls).
func NewEmail(c aws.Config, by Sender) Email {
	client := sesv2.NewFromConfig(c, func(o *sesv2.Options) {
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = awshttp.NewBuildableClient()
	})
	return Over(client.SendEmail, by)
}

// Over sends as somebody, by an operation that need not be a client's.
func Over(send Send, by Sender) Email { return Email{send, by} }

var _ digest.Post = Email{}

// forGood are the errors of SES that the same mail will meet again (SES API, SendEmail).
var forGood = map[string]string{
	"MessageRejected":     "mail-rejected",
	"BadRequestException": "mail-malformed",
}

// answerTakes is how long SES has to answer. A try that was not answered may have been carried, so it is given time
// and is never repeated blindly: SES knows no idempotency token.
const answerTakes = 12 * time.Second

// Tell implements digest.Post.
func (e Email) Tell(ctx context.Context, n digest.Notice) (string, error) {
	subject, body := words(n, e.by.Door)
	ctx, cancel := context.WithTimeout(ctx, answerTakes)
	defer cancel()
	out, err := e.send(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: &e.by.From, ConfigurationSetName: &e.by.Set,
		EmailTags:   []types.MessageTag{{Name: aws.String(practiceTag), Value: &n.Practice}},
		Destination: &types.Destination{ToAddresses: []string{n.To}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: &subject},
			Body:    &types.Body{Text: &types.Content{Data: &body}},
		}},
	})
	var api smithy.APIError
	switch {
	case err == nil:
		return aws.ToString(out.MessageId), nil
	case errors.As(err, &api) && forGood[api.ErrorCode()] != "":
		return "", &digest.Undelivered{Code: forGood[api.ErrorCode()], Hope: digest.Refused}
	case errors.As(err, &api): // its message quotes the address, so the code is all that is kept
		return "", &digest.Undelivered{Code: api.ErrorCode(), Hope: digest.Passing}
	default:
		return "", &digest.Undelivered{Code: "no-answer", Hope: digest.Unanswered, Cause: err}
	}
}

// words are the mail. It is the same for every practice but for two numbers and whether its list is wanted.
func words(n digest.Notice, door string) (subject, body string) {
	var asks []string
	switch {
	case n.AtLeast > 1:
		subject = fmt.Sprintf("at least %d forms wait for your practice", n.AtLeast)
	case n.AtLeast == 1:
		subject = "at least 1 form waits for your practice"
	default:
		subject = "please send your practice's list"
	}
	if n.AtLeast > 0 {
		waited := ""
		switch {
		case n.Oldest > 1:
			waited = fmt.Sprintf(" The first of them has waited for %d days.", n.Oldest)
		case n.Oldest == 1:
			waited = " The first of them has waited for 1 day."
		}
		asks = append(asks, "Patients of your practice have told us what they want for their Summary Care Record: "+subject+"."+waited+"\n"+
			"Only your practice can record these choices. Please sign in to collect the forms, record each choice in your\n"+
			"clinical system and tell us that you have done so.\n")
	}
	if n.Extract {
		asks = append(asks, "You have told us of choices that you recorded some weeks ago. Please run the list of patients whose Summary Care\n"+
			"Record preference is coded in your clinical system, and send it after signing in: it shows that\n"+
			"every choice is where it belongs. We keep the answer, not the list.\n")
	}
	asks = append(asks, "Sign in here: "+door+"\n", "This message holds no patient information. It comes at most once a day, and again while something waits.\n")
	return "Summary Care Record choices: " + subject, strings.Join(asks, "\n")
}
