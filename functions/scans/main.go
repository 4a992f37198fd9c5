// Command scans reads the scans that the mailroom uploads: one whose malware result has come, at once, or those that are
// due, on a schedule: a function and a role for each.
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
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/malware"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/scan"
	"example.org/optout/functions/internal/trigger"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(context.Context) error {
	c, err := config.Read[config.Scans]()
	if err != nil {
		return err
	}
	cloud, err := config.AWS()
	if err != nil {
		return err
	}
	engine, err := scan.Open(compiled(os.TempDir()))
	if err != nil {
		return err
	}
	scans := job.Scans{
		Store: dynamo.Open(cloud, c.Table), Files: bucket.Open(cloud, c.Uploads), Ask: malware.Open(cloud, c.Uploads).Ask, Now: time.Now,
		Draw: func(ctx context.Context, file []byte, page func(job.Drawn) error) error {
			_, err := engine.Read(ctx, file, func(p scan.Page) error {
				d := job.Drawn{Number: p.Number, JPEG: p.JPEG, Blank: p.Blank}
				if p.Fault != nil {
					d.Fault = p.Fault.Code
				}
				return page(d)
			})
			if bad, ok := errors.AsType[*scan.Refusal](err); ok {
				return &job.Unreadable{Code: bad.Code, Detail: bad.Detail()}
			}
			return err
		},
	}
	observer := observe.New("scans-"+c.By, os.Stdout, time.Now)
	switch c.By {
	case "malware":
		lambda.Start(trigger.Malware(observer, c.Uploads, scans.Heard))
	case "schedule":
		lambda.Start(trigger.Schedule(observer, time.Now, job.ScansDue(scans)))
	default:
		return fmt.Errorf("configuration: nobody is called by %q", c.By)
	}
	return nil
}
