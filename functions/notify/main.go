// Command notify advances what the table's stream names, at once.
package main

import (
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/notice"
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
	c, err := config.Read[config.Notify]()
	if err != nil {
		return err
	}
	cloud, err := config.AWS()
	if err != nil {
		return err
	}
	engine := optout.Engine{
		Store: dynamo.Open(cloud, c.Table),
		Post:  notice.NewEmail(cloud, notice.Sender{From: c.MailFrom, Set: c.MailSet, Door: c.Address + "/practice"}), Practices: directory.Shipped{},
		Address: c.PracticeAddress, Now: time.Now,
	}
	lambda.Start(trigger.Stream(observe.New("notify", os.Stdout, time.Now), job.Notify(engine)))
	return nil
}
