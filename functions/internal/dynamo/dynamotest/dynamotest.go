// Package dynamotest gives tests a table in a real DynamoDB engine, made from template.yaml.
//
// The engine is dynoxide, as `make` installs it, or the one at DYNAMODB_ENDPOINT. Without either the tests are
// skipped, or fail where NO_SKIP=1 asks for all of them.
package dynamotest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gopkg.in/yaml.v3"
)

// Client talks to the engine; it is started by the first test that asks and ends with the test binary.
func Client(t testing.TB) *dynamodb.Client {
	t.Helper()
	e, err := engine()
	if errors.Is(err, errNoEngine) && os.Getenv("NO_SKIP") != "1" {
		t.Skipf("SKIPPED, nothing was tested on a real engine: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-2", BaseEndpoint: &e.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 3, DisableValidateResponseChecksum: true, // as often as the functions (config.AWS): an engine under load may fail for a moment
		HTTPClient: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	})
}

var tables struct {
	sync.Mutex
	n int
}

// Table makes a new, empty table.
func Table(t testing.TB, c *dynamodb.Client) string {
	t.Helper()
	tables.Lock()
	tables.n++
	name := fmt.Sprintf("test-%d-%d", os.Getpid(), tables.n)
	tables.Unlock()
	in, err := definition()
	if err != nil {
		t.Fatal(err)
	}
	in.TableName = &name
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	return name
}

var errNoEngine = errors.New("no DynamoDB engine: run `make test`, or set DYNOXIDE or DYNAMODB_ENDPOINT")

// running is an engine. It ends when its lifeline closes, even by being collected, so the lifeline is kept.
type running struct {
	url      string
	lifeline io.Closer
}

// engine starts dynoxide once.
var engine = sync.OnceValues(func() (running, error) {
	if url := os.Getenv("DYNAMODB_ENDPOINT"); url != "" {
		return running{url: url}, nil
	}
	path := os.Getenv("DYNOXIDE")
	if path == "" {
		found, _ := filepath.Glob(filepath.Join(root(), ".tools/node_modules/@dynoxide/*/dynoxide"))
		if len(found) == 0 {
			return running{}, errNoEngine
		}
		path = found[0]
	}
	// On a loopback address of its own, where there are more: on the one that everybody has somebody may take the port
	// before the engine does, and be taken for it.
	own := make([]byte, 3)
	_, _ = rand.Read(own)
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+own[0]%254, own[1], 1+own[2]%254))
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return running{}, err
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	dir, err := os.MkdirTemp("", "dynamotest")
	if err != nil {
		return running{}, err
	}
	// A shell that ends the engine and its files when the test binary's end of the pipe closes, however it ends.
	c := exec.Command("sh", "-c", `"$0" serve --host "$3" -p "$1" --db-path "$2/db" >/dev/null 2>&1 </dev/null & cat >/dev/null; kill -9 $!; rm -rf "$2"`, path, port, dir, host)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	lifeline, err := c.StdinPipe()
	if err != nil {
		return running{}, err
	}
	if err := c.Start(); err != nil {
		return running{}, fmt.Errorf("start %s: %w", path, err)
	}
	url := "http://" + net.JoinHostPort(host, port)
	return running{url, lifeline}, answering(url)
})

// answering waits until the engine answers.
func answering(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.Body.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the engine at %s does not answer", url)
		}
	}
}

// definition is the table of template.yaml.
func definition() (*dynamodb.CreateTableInput, error) {
	raw, err := os.ReadFile(filepath.Join(root(), "template.yaml"))
	if err != nil {
		return nil, err
	}
	type element struct {
		AttributeName string `yaml:"AttributeName"`
		AttributeType string `yaml:"AttributeType"`
		KeyType       string `yaml:"KeyType"`
	}
	var t struct {
		Resources struct {
			Table struct {
				Properties struct {
					AttributeDefinitions   []element `yaml:"AttributeDefinitions"`
					KeySchema              []element `yaml:"KeySchema"`
					GlobalSecondaryIndexes []struct {
						IndexName  string    `yaml:"IndexName"`
						KeySchema  []element `yaml:"KeySchema"`
						Projection struct {
							ProjectionType string `yaml:"ProjectionType"`
						} `yaml:"Projection"`
					} `yaml:"GlobalSecondaryIndexes"`
				} `yaml:"Properties"`
			} `yaml:"Table"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("template.yaml: %w", err)
	}
	keys := func(elements []element) (out []types.KeySchemaElement) {
		for _, e := range elements {
			out = append(out, types.KeySchemaElement{AttributeName: aws.String(e.AttributeName), KeyType: types.KeyType(e.KeyType)})
		}
		return out
	}
	p := t.Resources.Table.Properties
	in := &dynamodb.CreateTableInput{
		BillingMode: types.BillingModePayPerRequest, KeySchema: keys(p.KeySchema),
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	}
	for _, a := range p.AttributeDefinitions {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(a.AttributeName), AttributeType: types.ScalarAttributeType(a.AttributeType),
		})
	}
	for _, g := range p.GlobalSecondaryIndexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(g.IndexName), KeySchema: keys(g.KeySchema),
			Projection: &types.Projection{ProjectionType: types.ProjectionType(g.Projection.ProjectionType)},
		})
	}
	return in, nil
}

// root is the folder of template.yaml, above wherever the test runs.
func root() string {
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, missing := os.Stat(filepath.Join(dir, "template.yaml")); missing == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return "."
}
