// Command patient is the patients' door as a function.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/quota"
	"example.org/optout/functions/internal/trigger"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	c, err := config.Read[config.Patient]()
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
	door := patient.Door{
		Registrar:  optout.Registrar{Store: store, Keys: keys, Now: time.Now},
		Seals:      keys,
		Controller: patient.Controller{Name: c.Controller, Contact: c.Contact, ProtectionOfficer: c.DataOfficer, NHS: c.NHSLogo},
		Gate:       &quota.Gate{Counter: store, Hide: keys.Hide, Now: time.Now},
		Sends:      quota.Limit{Name: "forms", Most: c.FormsPerNetwork, Per: 10 * time.Minute},
		Looks:      quota.Limit{Name: "looks", Most: c.LooksPerNetwork, Per: 10 * time.Minute},
		Languages:  patient.Languages, TestNumbers: c.TestNumbers, Practices: directory.Shipped{}, Now: time.Now,
	}
	lambda.Start(trigger.HTTP(observe.New("patient", os.Stdout, time.Now), door.Handler()))
	return nil
}
