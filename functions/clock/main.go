// Command clock does what happens on a schedule: one binary, one function and role for each job.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/notice"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/trigger"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	c, err := config.Read[config.Clock]()
	if err != nil {
		return err
	}
	var do func(context.Context, func() time.Time) error
	switch c.Job {
	case "sweep":
		do, err = sweep()
	case "read":
		do, err = read(ctx)
	default:
		return fmt.Errorf("configuration: there is no job %q", c.Job)
	}
	if err != nil {
		return err
	}
	lambda.Start(trigger.Schedule(observe.New("clock-"+c.Job, os.Stdout, time.Now), time.Now, do))
	return nil
}

func sweep() (func(context.Context, func() time.Time) error, error) {
	c, err := config.Read[config.Sweep]()
	if err != nil {
		return nil, err
	}
	cloud, err := config.AWS()
	if err != nil {
		return nil, err
	}
	return job.Sweep(optout.Engine{
		Store: dynamo.Open(cloud, c.Table),
		Post:  notice.NewEmail(cloud, notice.Sender{From: c.MailFrom, Set: c.MailSet, Door: c.Address + "/practice"}), Practices: directory.Shipped{},
		Address: c.PracticeAddress, Now: time.Now,
	}), nil
}

func read(ctx context.Context) (func(context.Context, func() time.Time) error, error) {
	c, err := config.Read[config.Reading]()
	if err != nil {
		return nil, err
	}
	book, wrong := c.Codebook()
	layouts, err := extract.ParseLayouts(c.Layouts)
	if err = errors.Join(wrong, err); err != nil {
		return nil, err
	}
	cloud, err := config.AWS()
	if err != nil {
		return nil, err
	}
	secret, err := secretsmanager.NewFromConfig(cloud).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &c.Keyring})
	if err != nil {
		return nil, fmt.Errorf("read the keyring: %w", err)
	}
	keys, err := keyring.Open([]byte(aws.ToString(secret.SecretString)))
	if err != nil {
		return nil, err
	}
	return job.ReadDue(job.Reader{
		Store: dynamo.Open(cloud, c.Table), Files: bucket.Open(cloud, c.Uploads),
		Keys: keys, Codes: book, Layouts: layouts, TestNumbers: c.TestNumbers, Now: time.Now,
	}), nil
}
