// Command clock does what happens on a schedule: one binary, one function and role for each job. What needs a bucket has
// a binary of its own (reader), which is half as large again.
package main

import (
	"fmt"
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
	c, err := config.Read[config.Clock]()
	if err != nil {
		return err
	}
	cloud, err := config.AWS()
	if err != nil {
		return err
	}
	observer := observe.New("clock-"+c.Job, os.Stdout, time.Now)
	switch c.Job {
	case "sweep":
		engine := optout.Engine{
			Store: dynamo.Open(cloud, c.Table),
			Post:  notice.NewEmail(cloud, notice.Sender{From: c.MailFrom, Set: c.MailSet, Door: c.Address + "/practice"}), Practices: directory.Shipped{},
			Address: c.PracticeAddress, Now: time.Now,
		}
		lambda.Start(trigger.Schedule(observer, time.Now, job.Sweep(engine)))
	default:
		return fmt.Errorf("configuration: there is no job %q", c.Job)
	}
	return nil
}
