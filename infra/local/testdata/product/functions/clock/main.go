// Command clock says what time it was told, and whether it can read its secret.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type answer struct {
	Time   string `json:"time"`
	Secret int    `json:"secret"` // its length
}

func main() {
	lambda.Start(func(ctx context.Context, e events.EventBridgeEvent) (answer, error) {
		if e.Time.Year() == 1999 {
			return answer{}, errors.New("long ago")
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"), strings.NewReader(`{"SecretId":"`+os.Getenv("KEYRING")+`"}`))
		if err != nil {
			return answer{}, err
		}
		r.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+os.Getenv("AWS_ACCESS_KEY_ID")+"/unsigned")
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			return answer{}, err
		}
		defer got.Body.Close()
		var secret struct{ SecretString string }
		err = json.NewDecoder(got.Body).Decode(&secret)
		return answer{Time: e.Time.Format("2006-01-02T15:04:05Z"), Secret: len(secret.SecretString)}, err
	})
}
