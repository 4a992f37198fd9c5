package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// withoutLocalMeaning are resource types that change nothing on a laptop. Every other type that is not played is
// a fault.
var withoutLocalMeaning = []string{
	"AWS::Cognito::ManagedLoginBranding",
	"AWS::Cognito::UserPool", // its clients are played
	"AWS::Cognito::UserPoolDomain",
	"AWS::Cognito::UserPoolResourceServer",
	"AWS::Logs::LogGroup",
	"AWS::S3::BucketPolicy",
}

// plan is what the runner has to play, read from a resolved template.
type plan struct {
	functions []functionPlan
	roles     []role
	routes    []routePlan
	mappings  []mappingPlan
	schedules []schedulePlan
	rules     []rulePlan
	tables    []tablePlan
	secrets   []secretPlan
	buckets   []bucketPlan
	clients   []clientPlan // of user pools
	identity  string       // what mail may be sent from
	mailSets  []mailSet
	malware   []malwarePlan
}

// codes are the folders of the main packages, each once.
func (p plan) codes() (codes []string) {
	for _, f := range p.functions {
		if !slices.Contains(codes, f.code) {
			codes = append(codes, f.code)
		}
	}
	return codes
}

type functionPlan struct {
	id          string
	code        string // folder of the main package, below the repository root
	memory      int    // MB
	timeout     time.Duration
	concurrency int
	retries     int // of an asynchronous invocation
	environment map[string]string
	role        role
	logGroup    string
}

type routePlan struct {
	function, method, path string
}

type mappingPlan struct {
	function, event string
	table           string // logical id of the table whose stream is followed
	streamARN       string // as the functions see it
	batch, lanes    int
	retries         int           // -1: for ever
	maxAge          time.Duration // 0: for ever
	bisect          bool
	reportItems     bool
	filters         []pattern
	onFailure       string // ARN of the bucket, or empty
}

type schedulePlan struct {
	function, event string
	retries         int // of a failed firing
	expression      string
	when            timetable
}

func (p schedulePlan) name() string { return p.function + "/" + p.event }

func (p mappingPlan) name() string { return p.function + "/" + p.event }

// rulePlan is a function's rule for events of the default bus.
type rulePlan struct {
	function, event string
	retries         int // of a failed invocation
	pattern         pattern
}

func (p rulePlan) name() string { return p.function + "/" + p.event }

// mailSet is a configuration set of SES.
type mailSet struct {
	name string
	puts []string // on the bus, of these types, in lower case
}

type tablePlan struct {
	id, name string
	tableProperties
}

type secretPlan struct {
	id, name string
	secretProperties
}

type bucketPlan struct {
	id, name string
	bucketProperties
}

// objectBuckets are those that hold objects here. What mappings give up goes into a folder instead.
func (p plan) objectBuckets() (buckets []bucketPlan) {
	for _, b := range p.buckets {
		if !slices.ContainsFunc(p.mappings, func(m mappingPlan) bool { return m.onFailure == bucketARN(b.name) }) {
			buckets = append(buckets, b)
		}
	}
	return buckets
}

// malwarePlan is a bucket whose new objects GuardDuty looks into.
type malwarePlan struct {
	arn, bucket string
	prefixes    []string // of keys; none: all
}

// covers tells whether an object is looked into by itself.
func (p malwarePlan) covers(bucket, key string) bool {
	return p.bucket == bucket && (len(p.prefixes) == 0 || slices.ContainsFunc(p.prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }))
}

type clientPlan struct {
	name string
	clientProperties
}

// number, boolean and word accept texts too: parameters are texts, and CloudFormation converts.
type (
	number  int
	boolean bool
	word    string
)

func (n *number) UnmarshalJSON(b []byte) error {
	i, err := strconv.Atoi(strings.Trim(string(b), `"`))
	if err != nil {
		return fmt.Errorf("%s is no whole number", b)
	}
	*n = number(i)
	return nil
}

func (f *boolean) UnmarshalJSON(b []byte) error {
	switch v := strings.Trim(string(b), `"`); v {
	case "true", "false":
		*f = v == "true"
		return nil
	}
	return fmt.Errorf("%s is neither true nor false", b)
}

func (w *word) UnmarshalJSON(b []byte) error {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err
	}
	switch v.(type) {
	case map[string]any, []any:
		return fmt.Errorf("%s is no text", b)
	}
	*w = word(text(v))
	return nil
}

// In the following structs a field of type any is a property that is accepted and changes nothing here.

type functionProperties struct {
	CodeUri                      string
	Handler, Runtime             string
	MemorySize, Timeout          *number
	ReservedConcurrentExecutions *number
	Environment                  struct{ Variables map[string]word }
	EventInvokeConfig            struct {
		MaximumRetryAttempts     *number
		MaximumEventAgeInSeconds any
	}
	Events        map[string]json.RawMessage
	Role          word
	LoggingConfig struct {
		LogGroup                                       word
		ApplicationLogLevel, LogFormat, SystemLogLevel any
	}

	Architectures, Description, Tags any
}

type httpAPIProperties struct {
	StageName word

	AccessLogSettings, DefaultRouteSettings, Description, FailOnWarnings any
}

type routeProperties struct {
	ApiId, Method, Path word
}

type streamProperties struct {
	Stream                     string
	StartingPosition           string
	BatchSize                  *number
	ParallelizationFactor      *number
	BisectBatchOnFunctionError boolean
	MaximumRetryAttempts       *number
	MaximumRecordAgeInSeconds  *number
	FunctionResponseTypes      []string
	FilterCriteria             struct{ Filters []struct{ Pattern string } }
	DestinationConfig          struct {
		OnFailure *struct{ Type, Destination string }
	}
}

type scheduleProperties struct {
	Schedule string

	Description any
}

type ruleProperties struct {
	Pattern      json.RawMessage
	EventBusName word

	// Of a delivery that Lambda itself does not take.
	RetryPolicy any
}

type mailSetProperties struct {
	DeliveryOptions, ReputationOptions, SendingOptions, SuppressionOptions, Tags any
}

type mailDestinationProperties struct {
	ConfigurationSetName word
	EventDestination     struct {
		Enabled                boolean
		MatchingEventTypes     []string
		EventBridgeDestination struct{ EventBusArn string }

		Name any
	}
}

type keySchema []struct{ AttributeName, KeyType string }

type tableIndex struct {
	IndexName  string
	KeySchema  keySchema
	Projection struct{ ProjectionType string }
}

type tableProperties struct {
	AttributeDefinitions   []struct{ AttributeName, AttributeType string }
	KeySchema              keySchema
	GlobalSecondaryIndexes []tableIndex
	StreamSpecification    *struct{ StreamViewType string }

	BillingMode, DeletionProtectionEnabled, PointInTimeRecoverySpecification, SSESpecification, Tags, TimeToLiveSpecification any
}

type secretProperties struct {
	GenerateSecretString *struct {
		SecretStringTemplate, GenerateStringKey string
		PasswordLength                          *number
		ExcludePunctuation                      boolean
	}

	Description, Tags any
}

type bucketProperties struct {
	VersioningConfiguration *struct{ Status string }
	CorsConfiguration       struct{ CorsRules []corsRule }
	OwnershipControls       struct {
		Rules []struct{ ObjectOwnership string }
	}

	BucketEncryption, LifecycleConfiguration, PublicAccessBlockConfiguration, Tags any
}

type corsRule struct {
	AllowedOrigins, AllowedMethods, AllowedHeaders, ExposedHeaders []string
	MaxAge                                                         *number

	Id any
}

type clientProperties struct {
	AllowedOAuthFlows        []string
	CallbackURLs, LogoutURLs []string
	GenerateSecret           boolean

	UserPoolId, AllowedOAuthFlowsUserPoolClient, AllowedOAuthScopes, SupportedIdentityProviders, PreventUserExistenceErrors any
}

type malwareProperties struct {
	Role              word
	ProtectedResource struct {
		S3Bucket struct {
			BucketName     word
			ObjectPrefixes []string
		}
	}
	Actions struct{ Tagging struct{ Status word } }

	Tags any
}

// strictly decodes properties into a struct and refuses a property that the struct does not have.
func strictly(properties, into any) error {
	b, err := json.Marshal(properties)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return fmt.Errorf("the property %s is not known", name)
		}
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// planOf reads what is to be played. What cannot be played becomes a fault of the stack.
func planOf(s *stack) plan {
	p := plan{identity: s.parameters["MailIdentity"]}
	apis := map[string]bool{}
	var functions, destinations, scanned []resource
	for _, r := range s.resources {
		at := r.path() + ".Properties"
		var err error
		switch r.Type {
		case "AWS::Serverless::Function":
			functions = append(functions, r)
		case "AWS::Serverless::HttpApi":
			var h httpAPIProperties
			if err = strictly(r.Properties, &h); err == nil && h.StageName != "" && h.StageName != "$default" {
				s.fault(at+".StageName", "only the stage $default is played")
			}
			if apis[r.physical()] = true; len(apis) > 1 {
				s.fault(r.path(), "one HTTP API is played, not several")
			}
		case "AWS::DynamoDB::Table":
			t := tablePlan{id: r.ID, name: r.physical()}
			err = strictly(r.Properties, &t.tableProperties)
			p.tables = append(p.tables, t)
		case "AWS::SecretsManager::Secret":
			x := secretPlan{id: r.ID, name: r.physical()}
			err = strictly(r.Properties, &x.secretProperties)
			switch g := x.GenerateSecretString; {
			case err != nil:
			case g == nil:
				s.fault(at, "needs GenerateSecretString")
			case (g.SecretStringTemplate == "") != (g.GenerateStringKey == ""):
				s.fault(at, "SecretStringTemplate and GenerateStringKey need each other")
			case orElse(g.PasswordLength, 32) < 1:
				s.fault(at, "PasswordLength must be at least 1")
			}
			p.secrets = append(p.secrets, x)
		case "AWS::S3::Bucket":
			err = p.bucket(s, r)
		case "AWS::Cognito::UserPoolClient":
			c := clientPlan{name: r.physical()}
			err = strictly(r.Properties, &c.clientProperties)
			if err == nil && (bool(c.GenerateSecret) || !slices.Equal(c.AllowedOAuthFlows, []string{"code"})) {
				s.fault(at, "only a client of the code flow without a secret is played")
			}
			p.clients = append(p.clients, c)
		case "AWS::SES::ConfigurationSet":
			p.mailSets = append(p.mailSets, mailSet{name: r.physical()})
			err = strictly(r.Properties, &mailSetProperties{})
		case "AWS::SES::ConfigurationSetEventDestination":
			destinations = append(destinations, r)
		case "AWS::GuardDuty::MalwareProtectionPlan":
			scanned = append(scanned, r)
		case "AWS::IAM::Role":
			err = p.role(s, r)
		default:
			if !slices.Contains(withoutLocalMeaning, r.Type) {
				s.fault(r.path(), "the resource type %s is not played", r.Type)
			}
		}
		if err != nil {
			s.fault(at, "%v", err)
		}
	}
	// These refer to other resources: they come last.
	for _, r := range destinations {
		if err := p.mailDestination(s, r); err != nil {
			s.fault(r.path()+".Properties", "%v", err)
		}
	}
	for _, r := range scanned {
		if err := p.malwarePlan(s, r); err != nil {
			s.fault(r.path()+".Properties", "%v", err)
		}
	}
	for _, r := range functions {
		p.function(s, r, apis)
	}
	p.taken(s)
	return p
}

func (p *plan) bucket(s *stack, r resource) error {
	at := r.path() + ".Properties"
	b := bucketPlan{id: r.ID, name: r.physical()}
	if err := strictly(r.Properties, &b.bucketProperties); err != nil {
		return err
	}
	if v := b.VersioningConfiguration; v != nil && v.Status != "Enabled" && v.Status != "Suspended" {
		s.fault(at+".VersioningConfiguration.Status", "must be Enabled or Suspended")
	}
	for _, rule := range b.OwnershipControls.Rules {
		if rule.ObjectOwnership != "BucketOwnerEnforced" {
			s.fault(at+".OwnershipControls", "only BucketOwnerEnforced is played: access control lists are not judged")
		}
	}
	for i, rule := range b.CorsConfiguration.CorsRules {
		if len(rule.AllowedOrigins) == 0 || len(rule.AllowedMethods) == 0 {
			s.fault(fmt.Sprintf("%s.CorsConfiguration.CorsRules.%d", at, i), "needs AllowedOrigins and AllowedMethods")
		}
	}
	for _, other := range p.buckets {
		if other.name == b.name {
			s.fault(r.path(), "differs from %s in case only, and so they have one name", other.id)
		}
	}
	p.buckets = append(p.buckets, b)
	return nil
}

func (p *plan) function(s *stack, r resource, apis map[string]bool) {
	at := r.path() + ".Properties"
	var f functionProperties
	if err := strictly(r.Properties, &f); err != nil {
		s.fault(at, "%v", err)
		return
	}
	fp := functionPlan{
		id:          r.ID,
		code:        path.Clean(f.CodeUri),
		memory:      orElse(f.MemorySize, 128),
		timeout:     time.Duration(orElse(f.Timeout, 3)) * time.Second,
		concurrency: orElse(f.ReservedConcurrentExecutions, 8),
		retries:     orElse(f.EventInvokeConfig.MaximumRetryAttempts, 2),
		environment: map[string]string{},
		role:        p.takeRole(s, at, string(f.Role)),
	}
	fp.logGroup = orText(string(f.LoggingConfig.LogGroup), "/aws/lambda/"+fp.physical())
	for k, v := range f.Environment.Variables {
		fp.environment[k] = string(v)
	}
	if !strings.HasPrefix(f.Runtime, "provided") || f.Handler != "bootstrap" {
		s.fault(at, "only a bootstrap on a provided runtime is played")
	}
	if f.CodeUri == "" || path.IsAbs(fp.code) || strings.HasPrefix(fp.code, "..") {
		s.fault(at+".CodeUri", "needs the folder of a main package below the repository root")
	}
	for _, other := range p.functions {
		if other.code != fp.code && path.Base(other.code) == path.Base(fp.code) {
			s.fault(at+".CodeUri", "two main packages are both called %s", path.Base(fp.code))
		}
		if accessKey(other.id) == accessKey(fp.id) {
			s.fault(r.path(), "differs from %s in case only, and so they have one access key", other.id)
		}
	}
	if fp.concurrency < 1 {
		s.fault(at+".ReservedConcurrentExecutions", "must be at least 1")
	}
	if fp.timeout < time.Second || fp.timeout > 15*time.Minute {
		s.fault(at+".Timeout", "must be 1 to 900 seconds")
	}
	p.functions = append(p.functions, fp)
	for _, name := range slices.Sorted(maps.Keys(f.Events)) {
		eventAt := at + ".Events." + name
		var e struct {
			Type       string
			Properties json.RawMessage
		}
		err := strictly(f.Events[name], &e)
		if err == nil {
			switch e.Type {
			case "HttpApi":
				err = p.route(s, eventAt+".Properties", r.ID, e.Properties, apis)
			case "DynamoDB":
				err = p.mapping(s, eventAt+".Properties", mappingPlan{function: r.ID, event: name}, e.Properties)
			case "Schedule":
				err = p.schedule(s, eventAt+".Properties", schedulePlan{function: r.ID, event: name, retries: fp.retries}, e.Properties)
			case "EventBridgeRule":
				err = p.rule(s, eventAt+".Properties", rulePlan{function: r.ID, event: name, retries: fp.retries}, e.Properties)
			default:
				err = fmt.Errorf("the event type %s is not played", e.Type)
			}
		}
		if err != nil {
			s.fault(eventAt, "%v", err)
		}
	}
}

// parameterInPath is what a path of an HTTP API may hold between braces.
var parameterInPath = regexp.MustCompile(`^\{[A-Za-z0-9_.-]+\+?\}$`)

func (p *plan) route(s *stack, at, function string, raw json.RawMessage, apis map[string]bool) error {
	var r routeProperties
	if err := strictly(raw, &r); err != nil {
		return err
	}
	if !apis[string(r.ApiId)] {
		s.fault(at+".ApiId", "names no HTTP API of this template")
	}
	route := routePlan{function: function, method: strings.ToUpper(string(r.Method)), path: string(r.Path)}
	if route.method == "" || route.method == "*" {
		route.method = "ANY"
	}
	switch {
	case route.path == "$default":
		if route.method != "ANY" {
			s.fault(at+".Method", "$default answers ANY method")
		}
	case !strings.HasPrefix(route.path, "/"):
		s.fault(at+".Path", "must begin with a slash")
	default:
		segments := strings.Split(route.path, "/")
		for i, segment := range segments {
			if strings.ContainsAny(segment, "{}") && !parameterInPath.MatchString(segment) ||
				strings.HasSuffix(segment, "+}") && i < len(segments)-1 {
				s.fault(at+".Path", "%s cannot be read", segment)
			}
		}
	}
	for _, other := range p.routes {
		if other.method == route.method && other.path == route.path {
			s.fault(at, "%s %s is also a route of %s", route.method, route.path, other.function)
		}
	}
	p.routes = append(p.routes, route)
	return nil
}

func (p *plan) mapping(s *stack, at string, m mappingPlan, raw json.RawMessage) error {
	var e streamProperties
	if err := strictly(raw, &e); err != nil {
		return err
	}
	for _, t := range p.tables {
		if arn := fmt.Sprintf(attributes["AWS::DynamoDB::Table.StreamArn"], t.name); arn == e.Stream {
			m.table, m.streamARN = t.id, arn
			if t.StreamSpecification == nil {
				s.fault(at+".Stream", "the table %s has no stream", t.id)
			}
		}
	}
	if m.table == "" {
		s.fault(at+".Stream", "names no stream of a table of this template")
	}
	if e.StartingPosition != "TRIM_HORIZON" {
		s.fault(at+".StartingPosition", "only TRIM_HORIZON is played: LATEST would lose what is written between two starts")
	}
	m.batch = orElse(e.BatchSize, 100)
	m.lanes = orElse(e.ParallelizationFactor, 1)
	m.retries = orElse(e.MaximumRetryAttempts, -1)
	m.maxAge = time.Duration(max(orElse(e.MaximumRecordAgeInSeconds, -1), 0)) * time.Second
	m.bisect = bool(e.BisectBatchOnFunctionError)
	if m.batch < 1 || m.batch > 10000 {
		s.fault(at+".BatchSize", "must be 1 to 10,000")
	}
	if m.lanes < 1 || m.lanes > 10 {
		s.fault(at+".ParallelizationFactor", "must be 1 to 10")
	}
	for _, t := range e.FunctionResponseTypes {
		if t != "ReportBatchItemFailures" {
			s.fault(at+".FunctionResponseTypes", "%s is not known", t)
		}
		m.reportItems = true
	}
	for i, f := range e.FilterCriteria.Filters {
		filter, err := parsePattern(f.Pattern)
		if err != nil {
			s.fault(fmt.Sprintf("%s.FilterCriteria.Filters.%d", at, i), "%v", err)
		}
		m.filters = append(m.filters, filter)
	}
	if d := e.DestinationConfig.OnFailure; d != nil {
		if d.Type != "S3" || !strings.HasPrefix(d.Destination, "arn:aws:s3:::") {
			s.fault(at+".DestinationConfig.OnFailure", "only the ARN of a bucket, with type S3, is played")
		}
		m.onFailure = d.Destination
	}
	p.mappings = append(p.mappings, m)
	return nil
}

func (p *plan) schedule(s *stack, at string, x schedulePlan, raw json.RawMessage) error {
	var e scheduleProperties
	if err := strictly(raw, &e); err != nil {
		return err
	}
	x.expression = e.Schedule
	var err error
	if x.when, err = parseTimetable(e.Schedule); err != nil {
		s.fault(at+".Schedule", "%v", err)
	}
	p.schedules = append(p.schedules, x)
	return nil
}

func (p *plan) rule(s *stack, at string, x rulePlan, raw json.RawMessage) error {
	var e ruleProperties
	if err := strictly(raw, &e); err != nil {
		return err
	}
	if e.EventBusName != "" && e.EventBusName != "default" {
		s.fault(at+".EventBusName", "only the default bus is played")
	}
	var err error
	if x.pattern, err = parsePattern(string(e.Pattern)); err != nil {
		s.fault(at+".Pattern", "%v", err)
	}
	p.rules = append(p.rules, x)
	return nil
}

// mailEvents are the types of SES events that are played, and what EventBridge calls them.
var mailEvents = map[string]string{"bounce": "Email Bounced", "complaint": "Email Complaint Received", "reject": "Email Rejected"}

func (p *plan) mailDestination(s *stack, r resource) error {
	at := r.path() + ".Properties"
	var d mailDestinationProperties
	if err := strictly(r.Properties, &d); err != nil {
		return err
	}
	if bus := "arn:aws:events:" + region + ":" + account + ":event-bus/default"; d.EventDestination.EventBridgeDestination.EventBusArn != bus {
		s.fault(at+".EventDestination.EventBridgeDestination", "only the default bus, %s, is played", bus)
	}
	n := slices.IndexFunc(p.mailSets, func(m mailSet) bool { return m.name == string(d.ConfigurationSetName) })
	if n < 0 {
		s.fault(at+".ConfigurationSetName", "names no configuration set of this template")
	}
	for _, x := range d.EventDestination.MatchingEventTypes {
		if x = strings.ToLower(x); mailEvents[x] == "" {
			s.fault(at+".EventDestination.MatchingEventTypes", "%s is not played", x)
		} else if n >= 0 && bool(d.EventDestination.Enabled) {
			p.mailSets[n].puts = append(p.mailSets[n].puts, x)
		}
	}
	return nil
}

// malwareService is as whom GuardDuty takes the role of a plan.
const malwareService = "malware-protection-plan.guardduty.amazonaws.com"

func (p *plan) malwarePlan(s *stack, r resource) error {
	at := r.path() + ".Properties"
	var in malwareProperties
	if err := strictly(r.Properties, &in); err != nil {
		return err
	}
	bucket := in.ProtectedResource.S3Bucket
	m := malwarePlan{arn: fmt.Sprintf(attributes[r.Type+".Arn"], r.physical()), bucket: string(bucket.BucketName), prefixes: bucket.ObjectPrefixes}
	n := slices.IndexFunc(p.buckets, func(b bucketPlan) bool { return b.name == m.bucket })
	switch {
	case n < 0:
		s.fault(at+".ProtectedResource.S3Bucket.BucketName", "names no bucket of this template")
	case p.buckets[n].VersioningConfiguration == nil || p.buckets[n].VersioningConfiguration.Status != "Enabled":
		s.fault(at+".ProtectedResource", "the bucket %s keeps no versions, and results are played for versions only", p.buckets[n].id)
	}
	if len(m.prefixes) > 5 {
		s.fault(at+".ProtectedResource.S3Bucket.ObjectPrefixes", "must be 5 at most")
	}
	for _, other := range p.malware {
		if other.bucket == m.bucket {
			s.fault(at+".ProtectedResource", "two plans are for one bucket")
		}
	}
	if status := in.Actions.Tagging.Status; status != "" && status != "DISABLED" {
		s.fault(at+".Actions.Tagging", "tags are not played")
	}
	taken := p.findRole(s, at, string(in.Role))
	if taken.id != "" && !taken.forGuardDuty {
		s.fault("Resources."+taken.id, "does not let %s assume it, and a plan names it", malwareService)
	}
	// What GuardDuty does with the role (GuardDuty user guide, create or update IAM role policy).
	rule, whole := "arn:aws:events:"+region+":"+account+":rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3-0", bucketARN(m.bucket)
	s.check(taken, "GuardDuty", "to hear of new objects", need{"events:PutRule", rule}, need{"events:DeleteRule", rule}, need{"events:PutTargets", rule},
		need{"events:RemoveTargets", rule}, need{"events:DescribeRule", rule}, need{"events:ListTargetsByRule", rule},
		need{"s3:PutBucketNotification", whole}, need{"s3:GetBucketNotification", whole})
	s.check(taken, "GuardDuty", "to see that the bucket is what it should be", need{"s3:ListBucket", whole}, need{"s3:PutObject", whole + "/malware-protection-resource-validation-object"})
	looked := m.prefixes
	if len(looked) == 0 {
		looked = []string{""}
	}
	for _, prefix := range looked {
		one := whole + "/" + prefix + "0"
		s.check(taken, "GuardDuty", "to look into objects", need{"s3:GetObject", one}, need{"s3:GetObjectVersion", one})
	}
	p.malware = append(p.malware, m)
	return nil
}

func orElse(n *number, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return int(*n)
}
