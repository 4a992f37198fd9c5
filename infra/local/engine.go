package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// findEngine chooses the DynamoDB engine: the given path, the one among the repository's tools, or the one in PATH.
func findEngine(given, root string) (string, error) {
	if given != "" {
		if _, err := os.Stat(given); err != nil {
			return "", fmt.Errorf("find DynamoDB engine: %w", err)
		}
		return filepath.Abs(given)
	}
	// There is a package for each platform; npm installs only the one for this.
	tools := filepath.Join(root, ".tools", "node_modules", "@dynoxide", "*", "dynoxide")
	if found, err := filepath.Glob(tools); err == nil && len(found) > 0 {
		return filepath.Abs(found[0])
	}
	if path, err := exec.LookPath("dynoxide"); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("there is no DynamoDB engine: not at %s and no dynoxide in PATH; `make run` installs one, -engine names another, -endpoint a running one", tools)
}

// engine is DynamoDB: a child process that is started again if it dies, or an endpoint that somebody else runs.
type engine struct {
	endpoint string
	db       *dynamodb.Client
	streams  *dynamodbstreams.Client

	process *kept // nil: somebody else's
}

func newEngine(endpoint string) *engine {
	e := &engine{endpoint: endpoint}
	c := aws.Config{
		Region:           region,
		Credentials:      credentials.NewStaticCredentialsProvider(runnerKey, secretKey, ""),
		RetryMaxAttempts: 1, // the runner repeats, and says so
	}
	// DynamoDB Local's checksums of answers are wrong.
	e.db = dynamodb.NewFromConfig(c, func(o *dynamodb.Options) {
		o.BaseEndpoint, o.DisableValidateResponseChecksum = &endpoint, true
	})
	e.streams = dynamodbstreams.NewFromConfig(c, func(o *dynamodbstreams.Options) { o.BaseEndpoint = &endpoint })
	return e
}

// startEngine runs the engine with its data in a file and keeps it running until it is closed.
func startEngine(ctx context.Context, c *children, path, file string, log func(string), complain func(string, ...any)) (*engine, error) {
	var e *engine
	err := onFreeAddress(func(host, port string) (err error) {
		e, err = startEngineAt(ctx, c, host, port, path, file, log, complain)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start DynamoDB engine: %w", err)
	}
	return e, nil
}

func startEngineAt(ctx context.Context, c *children, host, port, path, file string, log func(string), complain func(string, ...any)) (e *engine, err error) {
	address := net.JoinHostPort(host, port)
	e = newEngine("http://" + address)
	start := func(ctx context.Context) (*child, error) {
		process, err := c.start(filepath.Dir(file), []string{"PATH=/usr/bin:/bin", "HOME=" + filepath.Dir(file)}, log, path, "serve", "--host", host, "-p", port, "--db-path", file)
		if err != nil {
			return nil, err
		}
		if err := waitFor(ctx, address, process); err != nil {
			process.kill()
			return nil, err
		}
		return process, nil
	}
	e.process, err = keep(ctx, "the DynamoDB engine", start, complain)
	return e, err
}

func (e *engine) close() {
	if e.process != nil {
		e.process.close()
	}
}

// onFreeAddress starts an engine where it can listen; elsewhere, if somebody has taken that meanwhile.
func onFreeAddress(start func(host, port string) error) (err error) {
	for range 3 {
		var host, port string
		if host, port, err = freeAddress(); err != nil {
			return err
		}
		if err = start(host, port); err == nil {
			return nil
		}
	}
	return err
}

// freeAddress is where an engine can listen, a moment later: on a loopback address of its own, since on the one that
// everybody has somebody may take the port meanwhile, and be taken for the engine.
func freeAddress() (host, port string, err error) {
	own := make([]byte, 3)
	_, _ = rand.Read(own)                                                                                         // which never fails
	for _, host := range []string{fmt.Sprintf("127.%d.%d.%d", 1+own[0]%254, own[1], 1+own[2]%254), "127.0.0.1"} { // Linux has the first
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
			defer l.Close()
			return host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
		}
	}
	return "", "", err
}

// waitFor returns when something listens at the address.
func waitFor(ctx context.Context, address string, process *child) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-process.dead:
			return fmt.Errorf("it ended at once: %v; it said last: %q", process.err, process.last.Load())
		default:
		}
		if !pause(ctx, 2*time.Millisecond) {
			return fmt.Errorf("it does not listen: %w", err)
		}
	}
}

// provision makes the tables that are not there yet. It returns the engine's own ARN of each stream, by logical id.
func (e *engine) provision(ctx context.Context, tables []tablePlan) (map[string]string, error) {
	streams := map[string]string{}
	for _, t := range tables {
		found, err := e.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.name})
		var none *dynamodbtypes.ResourceNotFoundException
		if errors.As(err, &none) {
			if err = e.create(ctx, t); err != nil {
				return nil, fmt.Errorf("make table %s: %w", t.id, err)
			}
			found, err = e.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.name})
		}
		if err != nil {
			return nil, fmt.Errorf("describe table %s: %w", t.id, err)
		}
		if want, has := t.shape(), shapeOf(found.Table); want != has {
			return nil, fmt.Errorf("the table %s on disk (%s) is not the template's (%s): remove the state folder, or use another with -state", t.id, has, want)
		}
		streams[t.id] = aws.ToString(found.Table.LatestStreamArn)
	}
	return streams, nil
}

func (e *engine) create(ctx context.Context, t tablePlan) error {
	in := &dynamodb.CreateTableInput{TableName: &t.name, BillingMode: dynamodbtypes.BillingModePayPerRequest, KeySchema: t.KeySchema.elements()}
	for _, a := range t.AttributeDefinitions {
		in.AttributeDefinitions = append(in.AttributeDefinitions, dynamodbtypes.AttributeDefinition{AttributeName: &a.AttributeName, AttributeType: dynamodbtypes.ScalarAttributeType(a.AttributeType)})
	}
	for _, g := range t.GlobalSecondaryIndexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, dynamodbtypes.GlobalSecondaryIndex{
			IndexName: &g.IndexName, KeySchema: g.KeySchema.elements(),
			Projection: &dynamodbtypes.Projection{ProjectionType: dynamodbtypes.ProjectionType(g.Projection.ProjectionType)},
		})
	}
	if t.StreamSpecification != nil {
		in.StreamSpecification = &dynamodbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamodbtypes.StreamViewType(t.StreamSpecification.StreamViewType)}
	}
	_, err := e.db.CreateTable(ctx, in)
	return err
}

func (k keySchema) elements() []dynamodbtypes.KeySchemaElement {
	var out []dynamodbtypes.KeySchemaElement
	for _, x := range k {
		out = append(out, dynamodbtypes.KeySchemaElement{AttributeName: &x.AttributeName, KeyType: dynamodbtypes.KeyType(x.KeyType)})
	}
	return out
}

// partitionKey is the name of the table's partition key.
func (t tablePlan) partitionKey() string { return t.KeySchema.attribute("HASH") }

// sortKey is the name of the table's sort key, empty if it has none.
func (t tablePlan) sortKey() string { return t.KeySchema.attribute("RANGE") }

func (k keySchema) attribute(kind string) string {
	for _, x := range k {
		if x.KeyType == kind {
			return x.AttributeName
		}
	}
	return ""
}

// shape says in a line what of a table cannot be changed by starting again.
func (t tablePlan) shape() string {
	indexes := map[string]string{}
	for _, g := range t.GlobalSecondaryIndexes {
		indexes[g.IndexName] = g.KeySchema.String()
	}
	view := ""
	if t.StreamSpecification != nil {
		view = t.StreamSpecification.StreamViewType
	}
	return shapeLine(t.KeySchema.String(), view, indexes)
}

func shapeOf(d *dynamodbtypes.TableDescription) string {
	line := func(elements []dynamodbtypes.KeySchemaElement) string {
		var k keySchema
		for _, e := range elements {
			k = append(k, struct{ AttributeName, KeyType string }{aws.ToString(e.AttributeName), string(e.KeyType)})
		}
		return k.String()
	}
	indexes := map[string]string{}
	for _, g := range d.GlobalSecondaryIndexes {
		indexes[aws.ToString(g.IndexName)] = line(g.KeySchema)
	}
	view := ""
	if d.StreamSpecification != nil {
		view = string(d.StreamSpecification.StreamViewType)
	}
	return shapeLine(line(d.KeySchema), view, indexes)
}

func (k keySchema) String() string { return k.attribute("HASH") + "/" + k.attribute("RANGE") }

func shapeLine(key, view string, indexes map[string]string) string {
	line := "key " + key + ", stream " + orText(view, "none")
	for _, name := range slices.Sorted(maps.Keys(indexes)) {
		line += ", index " + name + " " + indexes[name]
	}
	return line
}

// tableStream reads one stream of the engine.
type tableStream struct {
	client    *dynamodbstreams.Client
	engineARN string // what the engine calls the stream
	eventARN  string // what the functions are told
	partition string // name of the partition key
}

func (s tableStream) shards(ctx context.Context) ([]shard, error) {
	var out []shard
	var after *string
	for {
		d, err := s.client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &s.engineARN, ExclusiveStartShardId: after})
		if err != nil {
			return nil, fmt.Errorf("describe stream: %w", err)
		}
		for _, x := range d.StreamDescription.Shards {
			out = append(out, shard{id: aws.ToString(x.ShardId), parent: aws.ToString(x.ParentShardId)})
		}
		if after = d.StreamDescription.LastEvaluatedShardId; after == nil {
			return out, nil
		}
	}
}

func (s tableStream) iterator(ctx context.Context, shard, after string) (string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &s.engineARN, ShardId: &shard, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon}
	if after != "" {
		in.ShardIteratorType, in.SequenceNumber = streamtypes.ShardIteratorTypeAfterSequenceNumber, &after
	}
	out, err := s.client.GetShardIterator(ctx, in)
	if err != nil {
		return "", fmt.Errorf("get shard iterator: %w", streamError(err))
	}
	return aws.ToString(out.ShardIterator), nil
}

func (s tableStream) read(ctx context.Context, iterator string) ([]record, string, error) {
	out, err := s.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &iterator})
	if err != nil {
		return nil, "", fmt.Errorf("get records: %w", streamError(err))
	}
	var records []record
	for _, r := range out.Records {
		record, err := s.record(r)
		if err != nil {
			return nil, "", fmt.Errorf("get records: %w", err)
		}
		records = append(records, record)
	}
	return records, aws.ToString(out.NextShardIterator), nil
}

func streamError(err error) error {
	var trimmed *streamtypes.TrimmedDataAccessException
	var expired *streamtypes.ExpiredIteratorException
	switch {
	case errors.As(err, &trimmed):
		return errors.Join(errTrimmed, err)
	case errors.As(err, &expired):
		return errors.Join(errExpired, err)
	}
	return err
}

// record makes the record of a Lambda event of one of the stream. It carries no shard id there either.
func (s tableStream) record(r streamtypes.Record) (record, error) {
	at := aws.ToTime(r.Dynamodb.ApproximateCreationDateTime)
	event := events.DynamoDBEventRecord{
		AWSRegion: region, EventID: aws.ToString(r.EventID), EventName: string(r.EventName),
		EventSource: "aws:dynamodb", EventVersion: "1.1", EventSourceArn: s.eventARN,
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: at},
			Keys:                        valueMap(r.Dynamodb.Keys),
			NewImage:                    valueMap(r.Dynamodb.NewImage),
			OldImage:                    valueMap(r.Dynamodb.OldImage),
			SequenceNumber:              aws.ToString(r.Dynamodb.SequenceNumber),
			SizeBytes:                   aws.ToInt64(r.Dynamodb.SizeBytes),
			StreamViewType:              string(r.Dynamodb.StreamViewType),
		},
	}
	if u := r.UserIdentity; u != nil {
		event.UserIdentity = &events.DynamoDBUserIdentity{Type: aws.ToString(u.Type), PrincipalID: aws.ToString(u.PrincipalId)}
	}
	b, err := json.Marshal(event)
	if err != nil {
		return record{}, err
	}
	key, err := json.Marshal(event.Change.Keys[s.partition])
	return record{sequence: event.Change.SequenceNumber, partition: string(key), at: at, event: b}, err
}

func valueMap(m map[string]streamtypes.AttributeValue) map[string]events.DynamoDBAttributeValue {
	if m == nil {
		return nil
	}
	out := make(map[string]events.DynamoDBAttributeValue, len(m))
	for k, v := range m {
		out[k] = valueOf(v)
	}
	return out
}

func valueOf(v streamtypes.AttributeValue) events.DynamoDBAttributeValue {
	switch v := v.(type) {
	case *streamtypes.AttributeValueMemberS:
		return events.NewStringAttribute(v.Value)
	case *streamtypes.AttributeValueMemberN:
		return events.NewNumberAttribute(v.Value)
	case *streamtypes.AttributeValueMemberB:
		return events.NewBinaryAttribute(v.Value)
	case *streamtypes.AttributeValueMemberBOOL:
		return events.NewBooleanAttribute(v.Value)
	case *streamtypes.AttributeValueMemberSS:
		return events.NewStringSetAttribute(v.Value)
	case *streamtypes.AttributeValueMemberNS:
		return events.NewNumberSetAttribute(v.Value)
	case *streamtypes.AttributeValueMemberBS:
		return events.NewBinarySetAttribute(v.Value)
	case *streamtypes.AttributeValueMemberM:
		return events.NewMapAttribute(valueMap(v.Value))
	case *streamtypes.AttributeValueMemberL:
		list := make([]events.DynamoDBAttributeValue, len(v.Value))
		for i, x := range v.Value {
			list[i] = valueOf(x)
		}
		return events.NewListAttribute(list)
	}
	return events.NewNullAttribute()
}
