// Command reader reads the uploads that the table's stream names, at once, or those that are due, on a schedule: a function
// and a role for each.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/trigger"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	c, err := config.Read[config.Reader]()
	if err != nil {
		return err
	}
	book, wrong := c.Codebook()
	layouts, err := extract.ParseLayouts(c.Layouts)
	if err = errors.Join(wrong, err); err != nil {
		return err
	}
	cloud, err := config.AWS()
	if err != nil {
		return err
	}
	reader := job.Reader{
		Store: dynamo.Open(cloud, c.Table), Files: bucket.Open(cloud, c.Uploads),
		Codes: book, Layouts: layouts, TestNumbers: c.TestNumbers, Now: time.Now,
	}
	observer := observe.New("reader-"+c.By, os.Stdout, time.Now)
	switch c.By {
	case "stream":
		lambda.Start(trigger.Stream(observer, job.ReadNamed(reader)))
	case "schedule":
		lambda.Start(trigger.Schedule(observer, time.Now, job.ReadDue(reader)))
	default:
		return fmt.Errorf("configuration: nobody is called by %q", c.By)
	}
	return nil
}
