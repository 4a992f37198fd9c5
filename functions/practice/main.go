// Command practice is the practices' door as a function.
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
	"example.org/optout/functions/internal/door/practice"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/export"
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
	c, err := config.Read[config.Practice]()
	if err != nil {
		return err
	}
	book, err := c.Codebook()
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
	door := practice.Door{
		Store: store, Files: bucket.Open(cloud, c.Uploads), Keys: keys,
		SignIn: &signin.Door{
			For: signin.Practice, Address: c.Address, Issuer: c.Issuer, ClientID: c.ClientID, HTTP: &http.Client{Timeout: 5 * time.Second},
			Seals: keys, Sessions: store, Clients: store, Now: time.Now,
		},
		Sender:      export.Sender{Controller: c.Controller, References: c.Address + "/reference", Codes: book},
		TestNumbers: c.TestNumbers, Practices: directory.Shipped{}, NHS: c.NHSLogo, Now: time.Now,
	}
	lambda.Start(trigger.HTTP(observe.New("practice", os.Stdout, time.Now), door.Handler()))
	return nil
}
