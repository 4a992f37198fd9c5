// Command machines says whose the software is that comes to /api/practice or /api/mailroom with a token of its own:
//
//	go run ./functions/internal/signin/machines -table <table> list
//	go run ./functions/internal/signin/machines -table <table> add <client id> <ODS code> <name>
//	go run ./functions/internal/signin/machines -table <table> add-mailroom <client id> <name>
//	go run ./functions/internal/signin/machines -table <table> revoke <client id>
//
// The client is made at the issuer, by hand, with a secret of its own; here its id is bound to a practice, or to the
// mailroom: there is one, and its software may act on any batch. Adding it again binds it to another one. What is revoked is refused from the next request on, however long its token is good.
// list reads the whole table.
//
// It finds the account as the functions do: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN
// (`aws configure export-credentials --format env` gives them), and AWS_ENDPOINT_URL_DYNAMODB for a table elsewhere.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "machines:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("say machines -table <table> list, add <client id> <ODS code> <name>, add-mailroom <client id> <name>, or revoke <client id>")

// clientID is what the door takes for the id of a client.
var clientID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("machines", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	table := flags.String("table", "", "name of the table")
	if flags.Parse(args) != nil || *table == "" || flags.NArg() == 0 {
		return errUsage
	}
	cloud, err := config.AWS()
	if err != nil {
		return err
	}
	machines := dynamo.OpenMachines(dynamodb.NewFromConfig(cloud), *table)
	switch verb, rest := flags.Arg(0), flags.Args()[1:]; {
	case verb == "list" && len(rest) == 0:
		return list(ctx, machines, out)
	case verb == "revoke" && len(rest) == 1:
		if err := machines.Revoke(ctx, rest[0]); err != nil {
			return fmt.Errorf("%s: %w", rest[0], err)
		}
		fmt.Fprintf(out, "%s is let in nowhere any more\n", rest[0])
		return nil
	case verb == "add-mailroom" && len(rest) >= 2:
		if !clientID.MatchString(rest[0]) {
			return dynamo.ErrClientLong
		}
		if err := dynamo.Open(cloud, *table).SaveMailroomClient(ctx, rest[0], strings.Join(rest[1:], " ")); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s acts for the mailroom\n", rest[0])
		return nil
	case verb == "add" && len(rest) >= 3:
		if !clientID.MatchString(rest[0]) {
			return dynamo.ErrClientLong
		}
		practice, err := nhs.ParseODSCode(rest[1])
		if err != nil {
			return err
		}
		if err := dynamo.Open(cloud, *table).SaveClient(ctx, rest[0], practice, strings.Join(rest[2:], " ")); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s acts for %s\n", rest[0], practice)
		return nil
	}
	return errUsage
}

// list prints the machines in the order of their practices, the mailroom's last. One that cannot be read is named, and does not hide the others.
func list(ctx context.Context, machines dynamo.Machines, out io.Writer) error {
	var all []dynamo.Machine
	var odd []error
	for m, err := range machines.All(ctx) {
		switch {
		case errors.Is(err, optout.ErrUnreadable):
			odd = append(odd, err)
		case err != nil:
			return err
		default:
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b dynamo.Machine) int {
		return cmp.Or(strings.Compare(a.Whose(), b.Whose()), strings.Compare(a.ID, b.ID))
	})
	for _, m := range all {
		fmt.Fprintln(out, strings.TrimSpace(fmt.Sprintf("%s  %s  %s", m.Whose(), m.ID, m.Name)))
	}
	return errors.Join(odd...)
}
