package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// load resolves a template given as text.
func load(t *testing.T, source string, settings map[string]string) *stack {
	t.Helper()
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := loadStack(file, settings, map[string]string{"Given": "by default", "Elsewhere": "ignored"}, addresses{api: "http://door", issuer: "http://issuer"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestIntrinsicsAreResolved(t *testing.T) {
	t.Parallel()
	const frame = `
Parameters:
  Given: { Type: String, Default: from the template }
  Set: { Type: String, Default: from the template }
  Plain: { Type: Number, Default: 7 }
Conditions:
  Yes: !Equals [!Ref Plain, "7"]
  No: !Equals [!Ref Plain, "8"]
Resources:
  Table: { Type: AWS::DynamoDB::Table }
  Keys: { Type: AWS::SecretsManager::Secret }
  Api: { Type: AWS::Serverless::HttpApi }
  Pool: { Type: AWS::Cognito::UserPool }
  Role: { Type: AWS::IAM::Role }
  Absent: { Type: AWS::IAM::Role, Condition: No }
  Subject:
    Type: AWS::S3::Bucket
    Properties:
      Value: `
	for _, tt := range []struct {
		name, source string
		want         any
	}{
		{"a parameter has its default", "!Ref Plain", "7"},
		{"a local default replaces the template's", "!Ref Given", "by default"},
		{"a setting replaces every default", "!Ref Set", "by setting"},
		{"a resource is its physical name", "!Ref Table", "local-Table"},
		{"a secret is its ARN", "!Ref Keys", "arn:aws:secretsmanager:eu-west-2:000000000000:secret:local-Keys-Local1"},
		{"the region is known", `!Ref AWS::Region`, "eu-west-2"},
		{"a table has an ARN", "!GetAtt Table.Arn", "arn:aws:dynamodb:eu-west-2:000000000000:table/local-Table"},
		{"an API has an address", "!GetAtt Api.ApiEndpoint", "http://door"},
		{"a user pool has an issuer", "!GetAtt Pool.ProviderURL", "http://issuer"},
		{"the long form of an attribute is read", "{ 'Fn::GetAtt': [Role, Arn] }", "arn:aws:iam::000000000000:role/local-Role"},
		{"Sub replaces parameters, attributes and its own variables", `!Sub ["${Given} ${Table.Arn} ${Own} ${AWS::Partition} ${!Left}", { Own: !Ref Plain }]`, "by default arn:aws:dynamodb:eu-west-2:000000000000:table/local-Table 7 aws ${Left}"},
		{"Join joins", `!Join ["-", [a, !Ref Plain, b]]`, "a-7-b"},
		{"If takes the first side when the condition holds", `!If [Yes, a, !Ref Absent]`, "a"},
		{"If takes the second side otherwise", `!If [No, !Ref Absent, b]`, "b"},
		{"NoValue leaves out an element", `[a, !Ref "AWS::NoValue"]`, []any{"a"}},
		{"NoValue leaves out a property", `{ a: !Ref "AWS::NoValue", b: 1 }`, object{"b": 1}},
		{"what looks like a condition of a policy is left alone", `{ Condition: { Bool: { "aws:SecureTransport": "false" } } }`, object{"Condition": object{"Bool": object{"aws:SecureTransport": "false"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, frame+tt.source, map[string]string{"Set": "by setting"})
			if err := s.err("template"); err != nil {
				t.Fatal(err)
			}
			for _, r := range s.resources {
				if r.ID == "Subject" && !reflect.DeepEqual(r.Properties["Value"], tt.want) {
					t.Errorf("resolved to %#v, want %#v", r.Properties["Value"], tt.want)
				}
				if r.ID == "Absent" {
					t.Error("a resource whose condition is false is there")
				}
			}
		})
	}
}

func TestGlobalsAreMergedIntoFunctions(t *testing.T) {
	t.Parallel()
	s := load(t, `
Globals: { Function: { Timeout: 15, MemorySize: 256, Environment: { Variables: { A: global, B: global } } } }
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Timeout: 60, Environment: { Variables: { B: own } } } }
`, nil)
	want := object{"Timeout": 60, "MemorySize": 256, "Environment": object{"Variables": object{"A": "global", "B": "own"}}}
	if got := s.resources[0].Properties; !reflect.DeepEqual(got, want) {
		t.Errorf("merged to %v, want %v", got, want)
	}
}

// function is a template with one function, whose properties and events follow.
const functionTemplate = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: { KeySchema: [{ AttributeName: PK, KeyType: HASH }], StreamSpecification: { StreamViewType: KEYS_ONLY } }
  Api: { Type: AWS::Serverless::HttpApi }
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: { Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }
      Policies:
        - { PolicyName: all, PolicyDocument: { Version: "2012-10-17", Statement: { Effect: Allow, Action: "*", Resource: "*" } } }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Role: !GetAtt Role.Arn
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: functions/f/
      `

func TestWhatCannotBePlayedIsANamedFault(t *testing.T) {
	t.Parallel()
	event := func(kind, properties string) string {
		return functionTemplate + "Events: { E: { Type: " + kind + ", Properties: { " + properties + " } } }"
	}
	const stream = "Stream: !GetAtt Table.StreamArn, StartingPosition: TRIM_HORIZON"
	for _, tt := range []struct{ name, source, want string }{
		{"an unknown resource type", "Resources:\n  Q: { Type: AWS::SQS::Queue }", "line 2, Resources.Q: the resource type AWS::SQS::Queue is not played"},
		{"an unknown intrinsic", "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      Name: !ImportValue x", "line 5, Resources.B.Properties.Name: the intrinsic Fn::ImportValue is not known"},
		{"a reference to nothing", "Resources: { B: { Type: AWS::S3::Bucket, Properties: { Name: !Ref Nobody } } }", "there is no resource or parameter Nobody"},
		{"an unknown attribute", "Resources: { B: { Type: AWS::S3::Bucket, Properties: { Name: !GetAtt B.Website } } }", "the attribute Website of B (AWS::S3::Bucket) is not known"},
		{"a reference to a resource that a condition leaves out", "Conditions: { No: !Equals [a, b] }\nResources: { A: { Type: AWS::S3::Bucket, Condition: No }, B: { Type: AWS::S3::Bucket, Properties: { Name: !Ref A } } }", "the resource A is left out by the condition No"},
		{"a condition that refers to itself", "Conditions: { Loop: !Equals [a, !If [Loop, a, b]] }\nResources: {}", "the condition refers to itself"},
		{"a section that is no mapping", "Resources: []", "line 1, Resources: is no mapping"},
		{"properties that are no mapping", "Resources: { B: { Type: AWS::S3::Bucket, Properties: x } }", "Resources.B.Properties: is no mapping"},
		{"a rule for a parameter that is not checked", "Parameters: { P: { Type: String, Default: a, MaxLength: 2 } }", "the parameter attribute MaxLength is not known"},
		{"a section that is not known", "Rules: {}", "the section Rules is not known"},
		{"a parameter without a value", "Parameters: { P: { Type: String } }", "Parameters.P: has no value"},
		{"a parameter that is not allowed", "Parameters: { P: { Type: String, Default: c, AllowedValues: [a, b] } }", `"c" is not one of the allowed values`},
		{"a parameter that is too short", `Parameters: { P: { Type: String, Default: "", MinLength: 1 } }`, `"" is shorter than 1 characters`},
		{"a parameter that is no number", "Parameters: { P: { Type: Number, Default: many } }", `"many" is no number from -Inf up`},
		{"a parameter that is too large", "Parameters: { P: { Type: Number, Default: 101, MaxValue: 100 } }", `"101" is no number up to 100`},
		{"a parameter that is too small", "Parameters: { P: { Type: Number, Default: -1, MinValue: 0 } }", `"-1" is no number from 0 up`},
		{"a parameter that does not match", "Parameters: { P: { Type: String, Default: xx, AllowedPattern: x } }", `"xx" does not match the pattern`},
		{"a property of a function that changes what it does", functionTemplate + "FileSystemConfigs: []", `Resources.F.Properties: the property "FileSystemConfigs" is not known`},
		{"a runtime with no bootstrap", strings.Replace(functionTemplate, "provided.al2023", "nodejs22.x", 1) + "Timeout: 3", "only a bootstrap on a provided runtime is played"},
		{"a client of a user pool that has a secret", "Resources: { C: { Type: AWS::Cognito::UserPoolClient, Properties: { AllowedOAuthFlows: [code], GenerateSecret: true } } }", "only a client of the code flow without a secret is played"},
		{"a client of a user pool that needs no code", "Resources: { C: { Type: AWS::Cognito::UserPoolClient, Properties: { AllowedOAuthFlows: [code, implicit] } } }", "only a client of the code flow without a secret is played"},
		{"a bucket that keeps its objects for ever", "Resources: { B: { Type: AWS::S3::Bucket, Properties: { ObjectLockEnabled: true } } }", `Resources.B.Properties: the property "ObjectLockEnabled" is not known`},
		{"a bucket that tells of its objects", "Resources: { B: { Type: AWS::S3::Bucket, Properties: { NotificationConfiguration: {} } } }", `the property "NotificationConfiguration" is not known`},
		{"a bucket that is versioned somehow", "Resources: { B: { Type: AWS::S3::Bucket, Properties: { VersioningConfiguration: { Status: On } } } }", "Resources.B.Properties.VersioningConfiguration.Status: must be Enabled or Suspended"},
		{"a bucket with access control lists", "Resources: { B: { Type: AWS::S3::Bucket, Properties: { OwnershipControls: { Rules: [{ ObjectOwnership: ObjectWriter }] } } } }", "only BucketOwnerEnforced is played"},
		{"a bucket that all may read from nowhere", "Resources: { B: { Type: AWS::S3::Bucket, Properties: { CorsConfiguration: { CorsRules: [{ AllowedMethods: [GET] }] } } } }", "CorsRules.0: needs AllowedOrigins and AllowedMethods"},
		{"two buckets of one name", "Resources: { Ab: { Type: AWS::S3::Bucket }, aB: { Type: AWS::S3::Bucket } }", "Resources.aB: differs from Ab in case only, and so they have one name"},
		{"a malware plan that puts tags on objects", withPlan("BucketName: !Ref B", "Actions: { Tagging: { Status: ENABLED } }"), "Resources.M.Properties.Actions.Tagging: tags are not played"},
		{"a malware plan for nothing", withPlan("BucketName: other", ""), "Resources.M.Properties.ProtectedResource.S3Bucket.BucketName: names no bucket of this template"},
		{"a malware plan for a bucket without versions", strings.Replace(withPlan("BucketName: !Ref B", ""), "Status: Enabled", "Status: Suspended", 1), "the bucket B keeps no versions"},
		{"a malware plan for many prefixes", withPlan("BucketName: !Ref B, ObjectPrefixes: [a, b, c, d, e, f]", ""), "ObjectPrefixes: must be 5 at most"},
		{"a malware plan without a role", strings.Replace(withPlan("BucketName: !Ref B", ""), "!GetAtt R.Arn", "x", 1), "Resources.M.Properties.Role: must be a role of this template"},
		{"a malware plan with somebody else's role", strings.Replace(withPlan("BucketName: !Ref B", ""), malwareService, "lambda.amazonaws.com", 1), "Resources.R: does not let malware-protection-plan.guardduty.amazonaws.com assume it, and a plan names it"},
		{"a malware plan for more", withPlan("BucketName: !Ref B, Region: x", ""), `the property "Region" is not known`},
		{"two malware plans for one bucket", withPlan("BucketName: !Ref B", "") + "\n  N: { Type: AWS::GuardDuty::MalwareProtectionPlan, Properties: { Role: !GetAtt R.Arn, ProtectedResource: { S3Bucket: { BucketName: !Ref B } } } }", "Resources.N.Properties.ProtectedResource: two plans are for one bucket"},
		{"a rule for another bus", event("EventBridgeRule", `EventBusName: own, Pattern: { source: [a] }`), "Resources.F.Properties.Events.E.Properties.EventBusName: only the default bus is played"},
		{"a rule that looks at a part of a text", event("EventBridgeRule", `Pattern: { source: [{ prefix: aws }] }`), "Resources.F.Properties.Events.E.Properties.Pattern: source: only texts, numbers and truths are known"},
		{"a rule that hands on other things", event("EventBridgeRule", `Pattern: { source: [a] }, Input: "{}"`), `the property "Input" is not known`},
		{"a rule whose failures go somewhere", event("EventBridgeRule", `Pattern: { source: [a] }, DeadLetterConfig: { Type: SQS }`), `the property "DeadLetterConfig" is not known`},
		{"events of mail that go elsewhere", "Resources: { M: { Type: AWS::SES::ConfigurationSet }, D: { Type: AWS::SES::ConfigurationSetEventDestination, Properties: { ConfigurationSetName: !Ref M, EventDestination: { SnsDestination: {} } } } }", `the property "SnsDestination" is not known`},
		{"events of mail that go to another bus", "Resources: { M: { Type: AWS::SES::ConfigurationSet }, D: { Type: AWS::SES::ConfigurationSetEventDestination, Properties: { ConfigurationSetName: !Ref M, EventDestination: { EventBridgeDestination: { EventBusArn: x } } } } }", "only the default bus, arn:aws:events:eu-west-2:000000000000:event-bus/default, is played"},
		{"events of mail that are not played", "Resources: { M: { Type: AWS::SES::ConfigurationSet }, D: { Type: AWS::SES::ConfigurationSetEventDestination, Properties: { ConfigurationSetName: !Ref M, EventDestination: { MatchingEventTypes: [OPEN] } } } }", "MatchingEventTypes: open is not played"},
		{"events of mail of no configuration set", "Resources: { D: { Type: AWS::SES::ConfigurationSetEventDestination, Properties: { ConfigurationSetName: M } } }", "ConfigurationSetName: names no configuration set of this template"},
		{"an event type that is not played", event("SQS", "Queue: x"), "Resources.F.Properties.Events.E: the event type SQS is not played"},
		{"a route of no API", event("HttpApi", "ApiId: other, Method: GET, Path: /"), "names no HTTP API of this template"},
		{"an authorizer", event("HttpApi", "ApiId: !Ref Api, Method: GET, Path: /, Auth: {}"), `the property "Auth" is not known`},
		{"a starting position that loses records", event("DynamoDB", "Stream: !GetAtt Table.StreamArn, StartingPosition: LATEST"), "only TRIM_HORIZON is played"},
		{"a numeric filter", event("DynamoDB", stream+`, FilterCriteria: { Filters: [{ Pattern: '{"a":[{"numeric":[">",1]}]}' }] }`), "only texts, numbers and truths are known"},
		{"a secret of one's own", "Resources: { S: { Type: AWS::SecretsManager::Secret, Properties: { SecretString: x } } }", `the property "SecretString" is not known`},
		{"a secret of no characters", "Resources: { S: { Type: AWS::SecretsManager::Secret, Properties: { GenerateSecretString: { PasswordLength: 0 } } } }", "PasswordLength must be at least 1"},
		{"half a template of a secret", "Resources: { S: { Type: AWS::SecretsManager::Secret, Properties: { GenerateSecretString: { GenerateStringKey: k } } } }", "need each other"},
		{"a window of time", event("DynamoDB", stream+", MaximumBatchingWindowInSeconds: 5"), `the property "MaximumBatchingWindowInSeconds" is not known`},
		{"a schedule that is not understood", event("Schedule", `Schedule: "cron(0 3 L * ? *)"`), `day-of-month: "L" is not understood`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, tt.source, nil)
			planOf(s)
			err := s.err("template.yaml")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("faults: %v\nwant one with: %s", err, tt.want)
			}
		})
	}
}

// withPlan is a template with a plan of Malware Protection whose role may do everything.
func withPlan(bucket, more string) string {
	return `Resources:
  B: { Type: AWS::S3::Bucket, Properties: { VersioningConfiguration: { Status: Enabled } } }
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: { Effect: Allow, Principal: { Service: ` + malwareService + ` }, Action: sts:AssumeRole } }
      Policies:
        - PolicyName: all
          PolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: [events:*, s3:*], Resource: "*" }] }
  M:
    Type: AWS::GuardDuty::MalwareProtectionPlan
    Properties:
      Role: !GetAtt R.Arn
      ProtectedResource: { S3Bucket: { ` + bucket + ` } }
      ` + more
}

func TestASettingOfNoParameterIsAFault(t *testing.T) {
	t.Parallel()
	if err := load(t, "Resources: {}", map[string]string{"Nobody": "x"}).err("t"); err == nil || !strings.Contains(err.Error(), "-set Nobody") {
		t.Errorf("fault: %v", err)
	}
}

func TestParametersOfTypeTextBecomeNumbers(t *testing.T) {
	t.Parallel()
	s := load(t, "Parameters: { Seconds: { Type: Number, Default: 20 } }\n"+functionTemplate+"Timeout: !Ref Seconds\n      ReservedConcurrentExecutions: \"1\"", nil)
	p := planOf(s)
	if err := s.err("t"); err != nil {
		t.Fatal(err)
	}
	if f := p.functions[0]; f.timeout.Seconds() != 20 || f.concurrency != 1 || f.memory != 128 || f.code != "functions/f" {
		t.Errorf("planned %+v", f)
	}
}

func TestTheTemplateOfThisRepositoryCanBePlayed(t *testing.T) {
	t.Parallel()
	r := &runner{options: options{root: filepath.Join("..", ".."), template: "template.yaml"}, patients: "http://127.0.0.1:1"}
	if err := r.read(); err != nil {
		t.Fatal(err)
	}
	if len(r.plan.functions) == 0 || len(r.plan.routes) == 0 || len(r.plan.mappings) == 0 || len(r.plan.schedules) == 0 || len(r.plan.tables) != 1 {
		t.Errorf("planned %+v", r.plan)
	}
	if c := r.plan.clients; len(c) != 1 || len(c[0].CallbackURLs) == 0 || !strings.HasPrefix(c[0].CallbackURLs[0], r.patients+"/") {
		t.Errorf("those who sign in come back to %+v", c)
	}
}

// Here all clients are of one network, and load tests too.
func TestNobodyIsLimitedHereUnlessASettingSaysSo(t *testing.T) {
	t.Parallel()
	for most, settings := range map[string]map[string]string{
		"0": nil, "7": {"FormsPerNetwork": "7", "LooksPerNetwork": "7"},
	} {
		r := &runner{options: options{root: filepath.Join("..", ".."), template: "template.yaml", settings: settings}, patients: "http://127.0.0.1:1"}
		if err := r.read(); err != nil {
			t.Fatal(err)
		}
		limited := 0
		for _, f := range r.plan.functions {
			for _, name := range []string{"FORMS_PER_NETWORK", "LOOKS_PER_NETWORK"} {
				if got, ok := f.environment[name]; ok {
					limited++
					if got != most {
						t.Errorf("with settings %v %s is %s", settings, name, got)
					}
				}
			}
		}
		if limited != 2 {
			t.Errorf("%d limits were found", limited)
		}
	}
}
