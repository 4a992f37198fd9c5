// Command push sends the scans in a folder to a batch of the mailroom, while a scanner puts them there:
//
//	push -folder scans -batch 7F3K-9QWM-2B5T-RX4H-A -address https://host -issuer https://issuer -client push-1
//	push -folder scans -envelopes 40 -box B-7 -sequence 3 -address …
//
// The client's secret comes from the environment, as PUSH_SECRET, or from the file that -secret-file names. README.md says
// how to try it against the local runner.
//
// A file is taken once it is complete: nothing of it has changed for a while, and it can be opened. It goes straight to the
// bucket, by a form that the server signs, and moves to the folder sent only after the server's receipt: it is in the
// bucket and on the batch's books. What the server refuses moves to the folder refused, with a note that says why.
//
// All that is needed to go on after kill -9 or a power cut is in the folder itself: .push/journal is written, and on disk,
// before anything that depends on it is done (journal.go). So nothing is sent twice and nothing is lost.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// What push exits with, beside 0: the books agree.
const (
	disagrees = 1 // files wait, the server's books say something else, or they could not be asked
	unusable  = 2 // it could not begin
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, onDisk))
}

// settings are what the command line says.
type settings struct {
	folder, batch           string
	declared                declaration
	per                     string
	address, issuer, client string
	secret                  string
	once                    bool
	quiet, poll, retry      time.Duration
	patience                time.Duration
	parallel                int
}

// sentence is an error that is for a person to read and act on.
type sentence string

func (s sentence) Error() string { return string(s) }

// read reads the command line, and the secret from where it says.
func read(args []string, errs io.Writer) (s settings, err error) {
	f := flag.NewFlagSet("push", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&s.folder, "folder", "", "the folder with the scans")
	f.StringVar(&s.batch, "batch", "", "the batch to which they go; or open one:")
	f.IntVar(&s.declared.Envelopes, "envelopes", 0, "a new batch: how many envelopes were counted")
	f.StringVar(&s.declared.Box, "box", "", "a new batch: the box in which the paper is kept")
	f.IntVar(&s.declared.Sequence, "sequence", 0, "a new batch: its place in the box, from 1")
	f.StringVar(&s.declared.DestroyAfter, "destroy-after", "", "a new batch: the day after which the paper is destroyed, as 2027-11-30")
	f.StringVar(&s.per, "per", "each", "each: every file is an envelope of its own; one: files that are found together are of one; later: it is said at the desk")
	f.StringVar(&s.address, "address", "", "of the service")
	f.StringVar(&s.issuer, "issuer", "", "who gives tokens to the client")
	f.StringVar(&s.client, "client", "", "the client's id at the issuer")
	secretFile := f.String("secret-file", "", "the file with the client's secret; without it, PUSH_SECRET has it")
	f.BoolVar(&s.once, "once", false, "send what is there, then end")
	f.DurationVar(&s.quiet, "quiet", 5*time.Second, "how long a file must not change before it is taken to be complete")
	f.DurationVar(&s.poll, "poll", time.Second, "how often the folder is looked at")
	f.DurationVar(&s.retry, "retry", time.Second, "the first pause before something that failed is tried again; it doubles, up to 30 s")
	f.DurationVar(&s.patience, "patience", 5*time.Minute, "with -once: how long a server that does not answer is tried")
	f.IntVar(&s.parallel, "parallel", 3, "how many files are sent at the same time")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	opens := s.declared != declaration{}
	switch {
	case f.NArg() > 0:
		return s, sentence("Say everything with flags: " + f.Arg(0) + " belongs to none.")
	case s.folder == "":
		return s, sentence("Say which folder has the scans: -folder.")
	case opens == (s.batch != ""):
		return s, sentence("Say either -batch, or -envelopes, -box and -sequence of a new batch.")
	case opens && (s.declared.Envelopes < 1 || s.declared.Box == "" || s.declared.Sequence < 1):
		return s, sentence("A new batch needs all of -envelopes, -box and -sequence.")
	case s.per != "each" && s.per != "one" && s.per != "later":
		return s, sentence("-per is each, one or later.")
	case s.address == "" || s.issuer == "" || s.client == "":
		return s, sentence("Say -address of the service, and -issuer and -client to sign in with.")
	case s.quiet <= 0 || s.poll <= 0 || s.retry <= 0 || s.patience <= 0 || s.parallel < 1 || s.parallel > 32:
		return s, sentence("Times are longer than nothing, and -parallel is 1 to 32.")
	}
	s.address = strings.TrimRight(s.address, "/")
	s.secret = os.Getenv("PUSH_SECRET")
	if *secretFile != "" {
		b, err := os.ReadFile(*secretFile)
		if err != nil {
			return s, sentence("The file with the secret cannot be read: " + reason(err) + ".")
		}
		s.secret = strings.TrimSpace(string(b))
	}
	if s.secret == "" {
		return s, sentence("There is no secret: put it into PUSH_SECRET, or into a file that -secret-file names.")
	}
	return s, nil
}

// run does all of it and gives the code to exit with.
func run(ctx context.Context, args []string, out, errs io.Writer, open opener) int {
	s, err := read(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(errs, "push:", err)
		return unusable
	}
	say := newScreen(out)
	server := newServer(s, say)
	unlock, err := lock(s.folder)
	if err != nil {
		fmt.Fprintln(errs, "push:", err)
		return unusable
	}
	defer unlock()
	j, err := openJournal(filepath.Join(s.folder, ".push", "journal"), open.journal)
	if err != nil {
		fmt.Fprintln(errs, "push:", err)
		return unusable
	}
	defer j.close()
	p := newPusher(s, j, server, say, open.scan)
	if err := p.begin(ctx); err != nil {
		fmt.Fprintln(errs, "push:", err)
		return unusable
	}
	failed := p.run(ctx)
	say.end()
	if failed != nil {
		fmt.Fprintln(errs, "push:", failed)
	}
	// What was asked to end still says how the books stand, unless that takes too long.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if agree := p.reconcile(last, out); !agree || failed != nil {
		return disagrees
	}
	return 0
}

// httpClient is for requests that are short, and for files: what takes no time limit has one on silence.
func httpClient(limit time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = time.Minute
	return &http.Client{
		Transport: t, Timeout: limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
