// Command bootstrap is a function that does what its event asks for.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

var served atomic.Int64

type order struct {
	Do   string `json:"do"`
	Size int    `json:"size"`
	Path string `json:"path"`
}

func handle(ctx context.Context, o order) (any, error) {
	n := served.Add(1)
	switch o.Do {
	case "fail":
		return nil, errors.New("asked to fail")
	case "exit":
		os.Exit(3)
	case "read": // a pipe holds it until its writer is done
		if _, err := os.ReadFile(o.Path); err != nil {
			return nil, err
		}
	case "hang":
		<-make(chan struct{})
	case "big":
		return strings.Repeat("x", o.Size), nil
	case "write a long line":
		fmt.Println(strings.Repeat("y", o.Size))
	case "wait for the deadline":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	deadline, _ := ctx.Deadline()
	lc, _ := lambdacontext.FromContext(ctx)
	return map[string]any{
		"pid": os.Getpid(), "served": n, "env": os.Environ(),
		"left": time.Until(deadline).Seconds(), "request": lc.AwsRequestID, "arn": lc.InvokedFunctionArn,
	}, nil
}

func main() {
	if os.Getenv("START") == "die" {
		os.Exit(4)
	}
	lambda.Start(func(ctx context.Context, raw json.RawMessage) (any, error) {
		var o order
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, err
		}
		return handle(ctx, o)
	})
}
