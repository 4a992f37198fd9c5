// Command mailroom is the mailroom's door as a function.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/mailroom"
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
	c, err := config.Read[config.Mailroom]()
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
	door := mailroom.Door{
		Store: store, Files: bucket.Open(cloud, c.Uploads), Keys: keys,
		SignIn: &signin.Door{
			For: signin.Mailroom, Address: c.Address, Issuer: c.Issuer, ClientID: c.ClientID, HTTP: &http.Client{Timeout: 5 * time.Second},
			Seals: keys, Sessions: store, Clients: store, Now: time.Now,
		},
		Controller: c.Controller, Contact: c.Contact, NHS: c.NHSLogo, TestNumbers: c.TestNumbers, Twice: c.KeyedTwice, Sample: c.Sampled, Practices: directory.Shipped{}, Now: time.Now,
	}
	lambda.Start(trigger.HTTP(observe.New("mailroom", os.Stdout, time.Now), door.Handler()))
	return nil
}
