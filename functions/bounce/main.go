// Command bounce hears what became of mails to practices: of one that came back, its practice goes to the office's list.
package main

import (
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/trigger"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	c, err := config.Read[config.Bounce]()
	if err != nil {
		return err
	}
	cloud, err := config.AWS()
	if err != nil {
		return err
	}
	engine := optout.Engine{Store: dynamo.Open(cloud, c.Table), Address: c.PracticeAddress, Now: time.Now}
	lambda.Start(trigger.Mail(observe.New("bounce", os.Stdout, time.Now), job.Hear(engine)))
	return nil
}
