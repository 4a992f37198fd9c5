// Package functions_test holds the rules of the house: which storey may import which, and that template.yaml, the
// functions and their configuration say the same.
package functions_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"example.org/optout/functions/internal/config"
	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/mailroom"
	"example.org/optout/functions/internal/door/office"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/door/practice"
	"example.org/optout/functions/internal/upload"
)

const module = "example.org/optout/"

// storeys, from the ground up. Imports go down only; within a storey only the shelves, which are named for
// sharing, may be imported by their neighbours.
var storeys = [][]string{
	{"functions/internal/nhs", "functions/internal/crockford", "functions/internal/steady", "functions/internal/digest", "functions/internal/observe", "infra"},
	{"functions/internal/optout", "functions/internal/directory"},
	{"functions/internal/dynamo", "functions/internal/keyring", "functions/internal/notice", "functions/internal/config", "functions/internal/quota", "functions/internal/worklist", "functions/internal/extract", "functions/internal/export", "functions/internal/upload", "functions/internal/batch", "functions/internal/bucket", "functions/internal/malware", "functions/internal/scan"},
	{"functions/internal/door", "functions/internal/door/staff", "functions/internal/door/patient", "functions/internal/door/practice", "functions/internal/door/office", "functions/internal/job", "functions/internal/nhsui", "functions/internal/problem", "functions/internal/signin", "functions/internal/trigger", "functions/internal/door/mailroom"},
	{"functions/patient", "functions/practice", "functions/office", "functions/mailroom", "functions/mailroom/push", "functions/notify", "functions/reader", "functions/scans", "functions/clock", "functions/bounce", "functions/internal/directory/cut", "functions/internal/scan/warm", "functions/internal/signin/machines", "functions/internal/e2e"},
}

var shelves = []string{"functions/internal/door", "functions/internal/door/staff", "functions/internal/steady", "functions/internal/worklist", "functions/internal/nhsui", "functions/internal/problem", "functions/internal/signin", "functions/internal/trigger", "functions/internal/export", "functions/internal/upload", "functions/internal/batch"}

// ground is what of the ground floor the domain stands on.
var ground = []string{"functions/internal/nhs", "functions/internal/crockford", "functions/internal/steady", "functions/internal/digest"}

// support are packages that only tests import; they are held to nothing here.
var support = []string{"functions/internal/optout/optouttest", "functions/internal/dynamo/dynamotest", "functions/internal/door/contracttest", "functions/internal/nhsui/nhsuitest", "functions/internal/signin/signintest", "functions/internal/scan/scantest", "functions/internal/scan/scantest/draw", "functions/internal/scan/scantest/make", "functions/internal/scan/scantest/sandbox", "functions/internal/sim", "functions/internal/sim/table"}

// foreign is what a storey may import from outside this module and the standard library; nil: whatever it needs.
var foreign = map[int][]string{
	0: {"golang.org/x/text"},
	1: {"github.com/go-playground/validator/v10"},
}

// notBelow are packages that a storey knows nothing of: requests, networks, files.
var notBelow = map[int][]string{0: {"net/http", "net", "os"}, 1: {"net/http", "net", "os"}}

type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Standard,Imports", "./functions/...", "./infra")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func storey(pkg string) int {
	return slices.IndexFunc(storeys, func(s []string) bool { return slices.Contains(s, pkg) })
}

func TestImportsGoDownOnly(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if slices.Contains(support, name) || name == "functions" {
			continue
		}
		seen++
		at := storey(name)
		if at < 0 {
			t.Errorf("%s stands on no storey: add it to the list, or to its place", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, local := strings.CutPrefix(imported, module)
			first, _, _ := strings.Cut(imported, "/")
			switch {
			case local && slices.Contains(support, ours):
				t.Errorf("%s imports %s, which is for tests", name, ours)
			case local && storey(ours) == at && !slices.Contains(shelves, ours):
				t.Errorf("%s imports its neighbour %s", name, ours)
			case local && storey(ours) > at:
				t.Errorf("%s imports %s, which stands above it", name, ours)
			case local && at == 1 && storey(ours) == 0 && !slices.Contains(ground, ours):
				t.Errorf("the domain imports %s", ours)
			case !local && strings.Contains(first, "."):
				if allowed := foreign[at]; allowed != nil && !slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(imported, a) }) {
					t.Errorf("%s imports %s", name, imported)
				}
			case !local && slices.Contains(notBelow[at], imported):
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
	if want := len(slices.Concat(storeys...)); seen != want {
		t.Errorf("%d packages were looked at, the list has %d", seen, want)
	}
}

// A clock is given to whoever needs one, and the environment is read in one place.
func TestTimeAndEnvironmentComeFromOnePlace(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{"time.Now": {"patient/", "practice/", "office/", "mailroom/", "bounce/", "notify/", "reader/", "scans/", "clock/"}, "os.Getenv": {"internal/config/", "mailroom/push/"}, "os.LookupEnv": {"internal/config/"}, "os.Environ": {"internal/config/"}}
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "test/") || strings.Contains(path, "e2e/") || strings.Contains(path, "sim/") {
			return err
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok {
					name := x.Name + "." + s.Sel.Name
					if places, ok := allowed[name]; ok && !slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(path, p) }) {
						t.Errorf("%s uses %s", path, name)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil || files < 30 {
		t.Errorf("%d files, %v", files, err)
	}
}

// function is what these tests read of a function in template.yaml; intrinsics are read as what stands behind
// their tag.
type function struct {
	code, role  string
	environment map[string]yaml.Node
	events      map[string]yaml.Node
}

func section(t *testing.T, name string) map[string]yaml.Node {
	t.Helper()
	raw, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return children(at(doc.Content[0], name))
}

// globals is the part of the template that holds for all functions.
func globals(t *testing.T) yaml.Node {
	t.Helper()
	n := yaml.Node{Kind: yaml.MappingNode}
	for k, v := range section(t, "Globals") {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: k}, &v)
	}
	return n
}

func readTemplate(t *testing.T) (resources map[string]yaml.Node, functions map[string]function) {
	t.Helper()
	resources, functions = section(t, "Resources"), map[string]function{}
	for id, r := range resources {
		if text(&r, "Type") == "AWS::Serverless::Function" {
			functions[id] = function{
				code: text(&r, "Properties", "CodeUri"), role: text(&r, "Properties", "Role"),
				environment: children(at(&r, "Properties", "Environment", "Variables")),
				events:      children(at(&r, "Properties", "Events")),
			}
		}
	}
	return resources, functions
}

// at walks down a mapping.
func at(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		c, ok := children(n)[name]
		if !ok {
			return nil
		}
		n = &c
	}
	return n
}

func children(n *yaml.Node) map[string]yaml.Node {
	out := map[string]yaml.Node{}
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = *n.Content[i+1]
		}
	}
	return out
}

func text(n *yaml.Node, path ...string) string {
	if n = at(n, path...); n == nil {
		return ""
	}
	return n.Value
}

// configs is the struct that each function folder reads.
var configs = map[string]any{
	"functions/patient/":  config.Patient{},
	"functions/practice/": config.Practice{},
	"functions/notify/":   config.Notify{},
	"functions/reader/":   config.Reader{},
	"functions/clock/":    config.Clock{},
	"functions/office/":   config.Office{},
	"functions/mailroom/": config.Mailroom{},
	"functions/bounce/":   config.Bounce{},
	"functions/scans/":    config.Scans{},
}

func TestTemplateFitsTheFunctions(t *testing.T) {
	t.Parallel()
	resources, functions := readTemplate(t)
	mains, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	used, roles := map[string]bool{}, map[string]string{}
	common := slices.Collect(maps.Keys(children(at(ptr(globals(t)), "Function", "Environment", "Variables"))))
	for id, f := range functions {
		used[f.code] = true
		if _, err := os.Stat(filepath.Join("..", f.code, "main.go")); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if other, ok := roles[f.role]; ok || f.role != id+"Role.Arn" {
			t.Errorf("%s has the role %q, not one of its own (%s)", id, f.role, other)
		}
		roles[f.role] = id

		var given []string
		for _, name := range append(slices.Collect(maps.Keys(f.environment)), common...) {
			if !slices.Contains(config.Runtime, name) {
				given = append(given, name)
			}
		}
		var read []string
		for _, field := range reflect.VisibleFields(reflect.TypeOf(configs[f.code])) {
			if name, _, _ := strings.Cut(field.Tag.Get("env"), ","); name != "" { // not a group of variables
				read = append(read, name)
			}
		}
		slices.Sort(given)
		slices.Sort(read)
		if !slices.Equal(given, read) {
			t.Errorf("%s is given %v and reads %v", id, given, read)
		}
	}
	for _, m := range mains {
		if dir := "functions/" + filepath.Dir(m) + "/"; !used[dir] {
			t.Errorf("no function of the template runs %s", dir)
		}
	}
	if len(functions) < 3 || len(resources) < 10 || len(common) == 0 {
		t.Errorf("read %d functions, %d resources, %d global variables", len(functions), len(resources), len(common))
	}
}

func ptr[T any](v T) *T { return &v }

// The template routes what the doors serve and the contract describes, and everything else to the patients' door's own
// "nothing here".
func TestTemplateRoutesWhatTheDoorsServe(t *testing.T) {
	t.Parallel()
	_, functions := readTemplate(t)
	doors := map[string][]string{}
	for _, r := range patient.Routes {
		doors["Patient"] = append(doors["Patient"], r.Method+" "+r.Path)
	}
	doors["Patient"] = append(doors["Patient"], "ANY $default")
	for _, r := range practice.Routes {
		doors["Practice"] = append(doors["Practice"], r.Method+" "+r.Path)
	}
	for _, r := range office.Routes {
		doors["Office"] = append(doors["Office"], r.Method+" "+r.Path)
	}
	for _, r := range mailroom.Routes {
		doors["Mailroom"] = append(doors["Mailroom"], r.Method+" "+r.Path)
	}
	var all, described []string
	for id, f := range functions {
		var routed []string
		for _, e := range f.events {
			if text(&e, "Type") == "HttpApi" {
				routed = append(routed, text(&e, "Properties", "Method")+" "+text(&e, "Properties", "Path"))
			}
		}
		served := slices.Sorted(slices.Values(doors[id]))
		slices.Sort(routed)
		if !slices.Equal(routed, served) {
			t.Errorf("the template routes to %s %v, and it serves %v", id, routed, served)
		}
		all = append(all, served...)
	}
	for path, item := range contracttest.API().Document.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	described = append(described, "ANY $default") // without it the contract could not be read
	slices.Sort(all)
	slices.Sort(described)
	if !slices.Equal(described, all) {
		t.Errorf("the contract describes %v, the doors serve %v", described, all)
	}
}

// Every job of the template is one that the clock knows, and the other way round.
func TestTemplateRunsTheClocksJobs(t *testing.T) {
	t.Parallel()
	_, functions := readTemplate(t)
	var run, known []string
	for _, f := range functions {
		if j, ok := f.environment["JOB"]; ok {
			run = append(run, j.Value)
		}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "clock/main.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.CaseClause); ok {
			for _, e := range c.List {
				if l, ok := e.(*ast.BasicLit); ok {
					name, _ := strconv.Unquote(l.Value)
					known = append(known, name)
				}
			}
		}
		return true
	})
	slices.Sort(run)
	slices.Sort(known)
	if !slices.Equal(run, known) || len(run) == 0 {
		t.Errorf("the template runs %v, the clock knows %v", run, known)
	}
}

// What holds forms is protected, and nothing in it expires by itself but what has the attribute of quota counters, claims
// and sessions, which no other item has (TestTheStoreConformsAndOnlyCountersClaimsAndSessionsExpire).
func TestTheTableForgetsNothing(t *testing.T) {
	t.Parallel()
	resources, _ := readTemplate(t)
	table := resources["Table"]
	for _, want := range [][]string{
		{"true", "DeletionProtectionEnabled"},
		{"true", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"},
		{"KMS", "SSESpecification", "SSEType"},
		{"NEW_AND_OLD_IMAGES", "StreamSpecification", "StreamViewType"},
		{"PAY_PER_REQUEST", "BillingMode"},
		{"expires", "TimeToLiveSpecification", "AttributeName"},
		{"true", "TimeToLiveSpecification", "Enabled"},
	} {
		if got := text(&table, append([]string{"Properties"}, want[1:]...)...); got != want[0] {
			t.Errorf("%s is %q, want %q", strings.Join(want[1:], "."), got, want[0])
		}
	}
	for _, id := range []string{"Table", "Keyring", "Unprocessed", "Uploads"} {
		if r := resources[id]; text(&r, "DeletionPolicy") != "Retain" || text(&r, "UpdateReplacePolicy") != "Retain" {
			t.Errorf("%s goes with the stack", id)
		}
	}
}

// Roles name exact actions and resources, and have nothing but what stands here. The two exceptions are calls
// that have no resource.
func TestRolesAreExact(t *testing.T) {
	t.Parallel()
	resources, functions := readTemplate(t)
	whole := regexp.MustCompile(`^[A-Za-z]+(\.Arn|\.StreamArn)?$`) // !Ref and !GetAtt
	part := []string{                                              // !Sub
		"${Table.Arn}/index/list", "${Table.Arn}/index/due", "${Unprocessed.Arn}/*", "${Uploads.Arn}/extracts/*", "${Uploads.Arn}/answers/*", "${Uploads.Arn}/scans/*", "${Uploads.Arn}/pages/*",
		"arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${MailIdentity}",
		"arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${Mail}",
	}
	noResource := []string{"dynamodb:ListStreams", "guardduty:SendObjectMalwareScan"} // IAM service authorization reference
	statements := 0
	for id := range functions {
		role := resources[id+"Role"]
		if got := slices.Sorted(maps.Keys(children(at(&role, "Properties")))); !slices.Equal(got, []string{"AssumeRolePolicyDocument", "Policies"}) {
			t.Errorf("the role of %s has %v", id, got)
		}
		for _, policy := range at(&role, "Properties", "Policies").Content {
			for _, s := range at(policy, "PolicyDocument", "Statement").Content {
				statements++
				actions, targets := values(at(s, "Action")), values(at(s, "Resource"))
				for _, a := range actions {
					if strings.Contains(a, "*") {
						t.Errorf("%s may do %s", id, a)
					}
				}
				for _, r := range targets {
					everything := r == "*" && len(actions) == 1 && slices.Contains(noResource, actions[0])
					if !everything && !whole.MatchString(r) && !slices.Contains(part, r) {
						t.Errorf("%s may do %v to %s", id, actions, r)
					}
				}
				if len(actions) == 0 || len(targets) == 0 || text(s, "Effect") != "Allow" {
					t.Errorf("%s has a statement of another kind", id)
				}
			}
		}
	}
	if statements < 10 {
		t.Errorf("only %d statements were read", statements)
	}
}

// The role of GuardDuty is as its user guide has it, and reads nothing but scans.
func TestGuardDutyReadsScansAndNothingElse(t *testing.T) {
	t.Parallel()
	resources, _ := readTemplate(t)
	plan, role := resources["Malware"], resources["MalwareRole"]
	where := at(&plan, "Properties", "ProtectedResource", "S3Bucket")
	if text(where, "BucketName") != "Uploads" || !slices.Equal(values(at(where, "ObjectPrefixes")), []string{"scans/"}) || text(&plan, "Properties", "Role") != "MalwareRole.Arn" {
		t.Error("the plan is for other files, or has another role")
	}
	var who, got []string
	for _, s := range at(&role, "Properties", "AssumeRolePolicyDocument", "Statement").Content {
		who = append(who, text(s, "Principal", "Service"))
	}
	for _, policy := range at(&role, "Properties", "Policies").Content {
		for _, s := range at(policy, "PolicyDocument", "Statement").Content {
			got = append(got, strings.TrimSpace(strings.Join(values(at(s, "Action")), " ")+" on "+strings.Join(values(at(s, "Resource")), " ")+" "+text(s, "Condition", "StringLike", "events:ManagedBy")))
		}
	}
	const guardDuty = "malware-protection-plan.guardduty.amazonaws.com"
	const own = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"
	want := []string{
		"events:PutRule events:DeleteRule events:PutTargets events:RemoveTargets on " + own + " " + guardDuty,
		"events:DescribeRule events:ListTargetsByRule on " + own,
		"s3:PutBucketNotification s3:GetBucketNotification s3:ListBucket on Uploads.Arn",
		"s3:PutObject on ${Uploads.Arn}/malware-protection-resource-validation-object",
		"s3:GetObject s3:GetObjectVersion on ${Uploads.Arn}/scans/*",
	}
	if !slices.Equal(who, []string{guardDuty}) || !slices.Equal(got, want) {
		t.Errorf("%v may %q", who, got)
	}
}

// A scan is all there is of a form, and its pages are what people read: nothing expires but extracts and answers, in any
// version. A rule without a prefix would be for everything.
func TestScansAndPagesNeverExpire(t *testing.T) {
	t.Parallel()
	resources, _ := readTemplate(t)
	bucket := resources["Uploads"]
	rules := at(&bucket, "Properties", "LifecycleConfiguration", "Rules").Content
	for _, r := range rules {
		for _, kept := range []string{"scans/", "pages/"} {
			if prefix := text(r, "Prefix"); prefix == "" || strings.HasPrefix(prefix, kept) || strings.HasPrefix(kept, prefix) {
				t.Errorf("the rule %s is for %q, and so for some of %s", text(r, "Id"), prefix, kept)
			}
		}
	}
	if len(rules) == 0 || text(&bucket, "Properties", "VersioningConfiguration", "Status") != "Enabled" {
		t.Errorf("%d rules were read of a bucket that must keep versions", len(rules))
	}
}

// Pages of this service may send what they were signed a form for, and learn nothing but whether it arrived.
func TestOnlyOurOwnPagesSendFiles(t *testing.T) {
	t.Parallel()
	resources, _ := readTemplate(t)
	bucket := resources["Uploads"]
	rules := at(&bucket, "Properties", "CorsConfiguration", "CorsRules").Content
	if len(rules) != 1 {
		t.Fatalf("%d rules", len(rules))
	}
	got := children(rules[0])
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"AllowedMethods", "AllowedOrigins", "MaxAge"}) ||
		!slices.Equal(values(at(rules[0], "AllowedOrigins")), []string{"Address"}) || !slices.Equal(values(at(rules[0], "AllowedMethods")), []string{"POST"}) {
		t.Errorf("pages elsewhere, or with more: %v", names)
	}
}

// A lease must outlive whoever has it: who sends mails, or reads uploads and sends none.
func TestNoFunctionOutlivesALease(t *testing.T) {
	t.Parallel()
	resources, functions := readTemplate(t)
	for id := range functions {
		f := resources[id]
		timeout := text(&f, "Properties", "Timeout")
		if timeout == "" {
			timeout = text(ptr(globals(t)), "Function", "Timeout")
		}
		lease := digest.SendingTakes
		_, reads := functions[id].environment["LAYOUTS"]
		_, sends := functions[id].environment["MAIL_FROM"]
		if reads && !sends {
			lease = upload.ReadingTakes
		}
		seconds, err := strconv.Atoi(timeout)
		if err != nil || time.Duration(seconds)*time.Second >= lease {
			t.Errorf("%s may run %q s, a lease lasts %v", id, timeout, lease)
		}
	}
}

// The stream tells of new forms and of every change of a digest; forms that change are their own engine's doing. Of a
// new slot nothing can be read yet, and scans have a reader of their own. Batches, pieces, first files and papers pass no filter.
func TestTheStreamTellsOfWhatMustBeLookedAt(t *testing.T) {
	t.Parallel()
	resources, _ := readTemplate(t)
	for id, want := range map[string][]string{
		"Notify": {
			`{"eventName":["INSERT"],"dynamodb":{"Keys":{"SK":{"S":["F"]}}}}`,
			`{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"SK":{"S":["D"]}}}}`,
		},
		"Reader": {`{"eventName":["MODIFY"],"dynamodb":{"Keys":{"SK":{"S":["U"]}},"NewImage":{"for":{"S":["extract"]}}}}`},
	} {
		n := resources[id]
		var got []string
		for _, f := range at(&n, "Properties", "Events", "Changes", "Properties", "FilterCriteria", "Filters").Content {
			got = append(got, text(f, "Pattern"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("the stream of %s is filtered by %v", id, got)
		}
	}
}

// CloudFormation generates a new key whenever this property is edited.
func TestTheIndexKeyIsNeverReplaced(t *testing.T) {
	t.Parallel()
	resources, _ := readTemplate(t)
	k := resources["Keyring"]
	got := map[string]string{}
	for name, v := range children(at(&k, "Properties", "GenerateSecretString")) {
		got[name] = v.Value
	}
	want := map[string]string{"SecretStringTemplate": `{"version":"1"}`, "GenerateStringKey": "index", "PasswordLength": "64", "ExcludePunctuation": "true"}
	if !maps.Equal(got, want) {
		t.Errorf("the index key would be generated anew: %v, was %v", got, want)
	}
}

func values(n *yaml.Node) (all []string) {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	for _, c := range n.Content {
		all = append(all, c.Value)
	}
	return all
}
