// Command tell sends a mail for each item, but for one whose key is poison.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func send(ctx context.Context, subject string) error {
	to := "practice@practice.example"
	if subject == "bounce" {
		to = "bounce+a81001@practice.example"
	}
	body, err := json.Marshal(map[string]any{
		"FromEmailAddress": os.Getenv("MAIL_FROM"),
		"Destination":      map[string]any{"ToAddresses": []string{to}},
		"Content": map[string]any{"Simple": map[string]any{
			"Subject": map[string]string{"Data": subject},
			"Body":    map[string]any{"Text": map[string]string{"Data": "Hello."}},
		}},
		"ConfigurationSetName": os.Getenv("MAIL"),
		"EmailTags":            []map[string]string{{"Name": "practice", "Value": "A81001"}},
	})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("AWS_ENDPOINT_URL_SESV2")+"/v2/email/outbound-emails", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+os.Getenv("AWS_ACCESS_KEY_ID")+"/unsigned")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("send mail: %s", answer.Status)
	}
	return nil
}

func main() {
	lambda.Start(func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		var out events.DynamoDBEventResponse
		for _, r := range e.Records {
			key := r.Change.Keys["PK"].String()
			if key == "poison" || send(ctx, key) != nil {
				out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
				break
			}
		}
		return out, nil
	})
}
