// Command office is the office's door as a function.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/office"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/trigger"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	c, err := config.Read[config.Office]()
	if err != nil {
		return err
	}
	cloud, err := config.AWS()
	if err != nil {
		return err
	}
	keys, err := keyring.Fetch(ctx, cloud, c.Keyring)
	if err != nil {
		return err
	}
	store := dynamo.Open(cloud, c.Table)
	door := office.Door{
		Store: store, Keys: keys,
		SignIn: &signin.Door{
			For: signin.Office, Address: c.Address, Issuer: c.Issuer, ClientID: c.ClientID, HTTP: &http.Client{Timeout: 5 * time.Second},
			Seals: keys, Sessions: store, Now: time.Now,
		},
		Controller: c.Controller, NHS: c.NHSLogo, TestNumbers: c.TestNumbers, Practices: directory.Shipped{}, Now: time.Now,
	}
	lambda.Start(trigger.HTTP(observe.New("office", os.Stdout, time.Now), door.Handler()))
	return nil
}
