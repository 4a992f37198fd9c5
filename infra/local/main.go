package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// options are what the command line says.
type options struct {
	root, state      string
	template         string
	port             int
	engine, endpoint string
	stream, sweeper  bool
	results          bool
	race, reload     bool
	settings         map[string]string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	arguments := os.Args[1:]
	var err error
	if len(arguments) > 0 && arguments[0] == objectsCommand {
		err = keepObjects(ctx, arguments[1:])
	} else {
		err = start(ctx, arguments, os.Getenv, os.Stdout, os.Stderr)
	}
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start(ctx context.Context, arguments []string, getenv func(string) string, stdout, stderr io.Writer) error {
	o, err := parseOptions(arguments, getenv, stderr)
	if err != nil {
		return err
	}
	err = run(ctx, o, stdout, stderr)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // stopped while it was starting
	}
	return err
}

func parseOptions(arguments []string, getenv func(string) string, stderr io.Writer) (options, error) {
	o := options{stream: true, sweeper: true, results: true, settings: map[string]string{}}
	port, err := strconv.Atoi(orText(getenv("PORT"), "3000"))
	if err != nil {
		return o, fmt.Errorf("PORT=%s is no number", getenv("PORT"))
	}
	f := flag.NewFlagSet("local", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.root, "root", ".", "root `folder` of the repository")
	f.StringVar(&o.state, "state", ".local", "`folder` for everything that must outlive the runner, below the root")
	f.StringVar(&o.template, "template", "template.yaml", "`file` of the template, below the root unless absolute")
	f.IntVar(&o.port, "port", port, "`port` of the patients' door; the console and the issuer have the next ones; 0: any free ones")
	f.StringVar(&o.engine, "engine", getenv("DYNOXIDE"), "`path` of the DynamoDB engine")
	f.StringVar(&o.endpoint, "endpoint", getenv("DYNAMODB_ENDPOINT"), "`URL` of a running DynamoDB engine to use instead")
	f.BoolVar(&o.race, "race", false, "build the functions with the race detector")
	f.BoolVar(&o.reload, "reload", true, "build a function anew when a file it is made of changes, and go on with the new build")
	onOff := func(into *bool) func(string) error {
		return func(s string) error {
			if s != "on" && s != "off" {
				return errors.New("on or off")
			}
			*into = s == "on"
			return nil
		}
	}
	f.Func("stream", "`on|off`: whether the stream is delivered at first", onOff(&o.stream))
	f.Func("sweeper", "`on|off`: whether schedules fire at first", onOff(&o.sweeper))
	f.Func("malware", "`on|off`: whether anything is said of malware at first", onOff(&o.results))
	f.Func("set", "`Name=Value` of a template parameter (repeatable)", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("Name=Value")
		}
		o.settings[name] = value
		return nil
	})
	if err := f.Parse(arguments); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not understood", f.Arg(0))
	}
	if o.port < 0 || o.port > 65533 {
		return o, fmt.Errorf("-port %d: must be 0 to 65533", o.port)
	}
	return o, nil
}
