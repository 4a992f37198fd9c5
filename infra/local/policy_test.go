package main

import (
	"fmt"
	"strings"
	"testing"
)

// roleTemplate is a template with a table, a role and a function that takes it; the statements follow.
const roleTemplate = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: { KeySchema: [{ AttributeName: PK, KeyType: HASH }], StreamSpecification: { StreamViewType: KEYS_ONLY } }
  Bucket: { Type: AWS::S3::Bucket }
  Log: { Type: AWS::Logs::LogGroup }
  F:
    Type: AWS::Serverless::Function
    Properties: { Runtime: provided.al2023, Handler: bootstrap, CodeUri: functions/f/, Role: !GetAtt Role.Arn, LoggingConfig: { LogGroup: !Ref Log }EVENTS }
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }]
      Policies:
        - PolicyName: test
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - { Effect: Allow, Action: logs:*, Resource: !GetAtt Log.Arn }
`

// withStatements adds statements, one a line, to the role; an event may be given to the function.
func withStatements(event, statements string) string {
	if event != "" {
		event = ", Events: { E: " + event + " }"
	}
	source := strings.Replace(roleTemplate, "EVENTS", event, 1)
	for line := range strings.Lines(strings.TrimSpace(statements)) {
		source += "              - " + strings.TrimSpace(line) + "\n"
	}
	return source
}

func TestARoleAllowsWhatItSaysAndNothingElse(t *testing.T) {
	t.Parallel()
	const table = "arn:aws:dynamodb:eu-west-2:000000000000:table/local-Table"
	read := `{ Effect: Allow, Action: [dynamodb:GetItem, dynamodb:Query], Resource: !GetAtt Table.Arn }`
	deny := "\n" + `{ Effect: Deny, Action: dynamodb:Get*, Resource: "*" }`
	for _, tt := range []struct {
		name, statements, action, resource string
		allowed                            bool
	}{
		{"an action that is listed is allowed", read, "dynamodb:Query", table, true},
		{"an action that is not listed is refused", read, "dynamodb:UpdateItem", table, false},
		{"an action is the same in small letters", read, "DynamoDB:getitem", table, true},
		{"another table is refused", read, "dynamodb:GetItem", table + "2", false},
		{"a resource is another in small letters", read, "dynamodb:GetItem", strings.ToLower(table), false},
		{"an index is not its table", read, "dynamodb:Query", table + "/index/due", false},
		{"an index is allowed by its own ARN", `{ Effect: Allow, Action: dynamodb:Query, Resource: !Sub "${Table.Arn}/index/due" }`, "dynamodb:Query", table + "/index/due", true},
		{"another index is refused", `{ Effect: Allow, Action: dynamodb:Query, Resource: !Sub "${Table.Arn}/index/due" }`, "dynamodb:Query", table + "/index/list", false},
		{"a table is not its index", `{ Effect: Allow, Action: dynamodb:Query, Resource: !Sub "${Table.Arn}/index/due" }`, "dynamodb:Query", table, false},
		{"the second of two resources is allowed", `{ Effect: Allow, Action: dynamodb:Query, Resource: [!Sub "${Table.Arn}/index/due", !Sub "${Table.Arn}/index/list"] }`, "dynamodb:Query", table + "/index/list", true},
		{"a star stands for any text", `{ Effect: Allow, Action: dynamodb:*Item, Resource: !Sub "${Table.Arn}*" }`, "dynamodb:GetItem", table + "/index/due", true},
		{"a star may stand for nothing", `{ Effect: Allow, Action: dynamodb:GetItem*, Resource: !Sub "${Table.Arn}*" }`, "dynamodb:GetItem", table, true},
		{"what follows a star counts", `{ Effect: Allow, Action: dynamodb:*Item, Resource: "*" }`, "dynamodb:GetItems", table, false},
		{"a question mark stands for one character", `{ Effect: Allow, Action: "dynamodb:?etItem", Resource: "*" }`, "dynamodb:GetItem", table, true},
		{"a question mark does not stand for none", `{ Effect: Allow, Action: "dynamodb:GetItem?", Resource: "*" }`, "dynamodb:GetItem", table, false},
		{"a star does not reach over a colon before the last part", `{ Effect: Allow, Action: "*", Resource: "arn:aws:dynamodb:*:table/local-Table:*" }`, "dynamodb:GetItem", table, false},
		{"a star in each part is an ARN", `{ Effect: Allow, Action: "*", Resource: "arn:*:dynamodb:*:*:table/*" }`, "dynamodb:GetItem", table, true},
		{"a star reaches over colons in the last part", `{ Effect: Allow, Action: "*", Resource: "arn:aws:x:::log-group:*" }`, "x:Put", "arn:aws:x:::log-group:a:log-stream:b", true},
		{"what knows no resources is allowed by a star", `{ Effect: Allow, Action: dynamodb:ListStreams, Resource: "*" }`, "dynamodb:ListStreams", "*", true},
		{"what knows no resources is not allowed by a resource", `{ Effect: Allow, Action: dynamodb:ListStreams, Resource: !GetAtt Table.StreamArn }`, "dynamodb:ListStreams", "*", false},
		{"a denial wins over what was allowed before", read + deny, "dynamodb:GetItem", table, false},
		{"a denial wins over what is allowed after", strings.TrimSpace(deny) + "\n" + read, "dynamodb:GetItem", table, false},
		{"a denial leaves alone what it does not name", read + deny, "dynamodb:Query", table, true},
		{"two statements are allowed together", read + "\n" + `{ Effect: Allow, Action: ses:SendEmail, Resource: "*" }`, "ses:SendEmail", "arn:aws:ses:eu-west-2:000000000000:identity/x", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, withStatements("", tt.statements), nil)
			p := planOf(s)
			if err := s.err("template"); err != nil {
				t.Fatal(err)
			}
			if why := p.functions[0].role.refuses(need{tt.action, tt.resource}); (why == "") != tt.allowed {
				t.Errorf("%s on %s: refused %q", tt.action, tt.resource, why)
			}
		})
	}
}

func TestARefusalSaysWhetherItWasDenied(t *testing.T) {
	t.Parallel()
	r := role{statements: []statement{{deny: true, actions: []string{"a:B"}, resources: []string{"*"}}}}
	if why := r.refuses(need{"a:B", "x"}); why != "with an explicit deny in an identity-based policy" {
		t.Error(why)
	}
	if why := r.refuses(need{"a:C", "x"}); why != "because no identity-based policy allows the a:C action" {
		t.Error(why)
	}
}

func TestPatternsOfManyStarsEndSoon(t *testing.T) {
	t.Parallel()
	if like(strings.Repeat("*a", 200), strings.Repeat("a", 10_000)+"b") {
		t.Error("matched")
	}
}

const streamEvent = "{ Type: DynamoDB, Properties: { Stream: !GetAtt Table.StreamArn, StartingPosition: TRIM_HORIZON, DestinationConfig: { OnFailure: { Type: S3, Destination: !GetAtt Bucket.Arn } } } }"

// lambdaNeeds are what Lambda itself does for a function with that event.
var lambdaNeeds = []string{
	"dynamodb:DescribeStream on !GetAtt Table.StreamArn", "dynamodb:GetRecords on !GetAtt Table.StreamArn", "dynamodb:GetShardIterator on !GetAtt Table.StreamArn",
	`dynamodb:ListStreams on "*"`, `s3:PutObject on !Sub "${Bucket.Arn}/*"`, "s3:ListBucket on !GetAtt Bucket.Arn",
}

func TestWhatLambdaDoesWithTheRoleIsAskedAtStartUp(t *testing.T) {
	t.Parallel()
	faults := func(left string) error {
		var lines []string
		for _, n := range lambdaNeeds {
			if action, on, _ := strings.Cut(n, " on "); action != left {
				lines = append(lines, fmt.Sprintf("{ Effect: Allow, Action: %s, Resource: %s }", action, on))
			}
		}
		source := withStatements(streamEvent, strings.Join(lines, "\n"))
		if strings.HasPrefix(left, "logs:") {
			source = strings.Replace(source, "logs:*", map[string]string{"logs:PutLogEvents": "logs:CreateLogStream", "logs:CreateLogStream": "logs:PutLogEvents"}[left], 1)
		}
		s := load(t, source, nil)
		planOf(s)
		return s.err("template")
	}
	if err := faults(""); err != nil {
		t.Errorf("with everything: %v", err)
	}
	for _, n := range append(lambdaNeeds, "logs:CreateLogStream", "logs:PutLogEvents") {
		action, _, _ := strings.Cut(n, " on ")
		err := faults(action)
		if err == nil || strings.Count(err.Error(), "is not allowed, and Lambda needs it") != 1 || !strings.Contains(err.Error(), "Resources.Role: "+action+" on ") {
			t.Errorf("without %s: %v", action, err)
		}
	}
}

func TestWhatGuardDutyDoesWithTheRoleIsAskedAtStartUp(t *testing.T) {
	t.Parallel()
	const own = `Condition: { StringLike: { "events:ManagedBy": ` + malwareService + ` } }`
	const rule = "arn:aws:events:eu-west-2:000000000000:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"
	granted := map[string]string{
		"events:PutRule": rule, "events:DeleteRule": rule, "events:PutTargets": rule, "events:RemoveTargets": rule,
		"events:DescribeRule": rule, "events:ListTargetsByRule": rule,
		"s3:PutBucketNotification": "arn:aws:s3:::local-b", "s3:GetBucketNotification": "arn:aws:s3:::local-b", "s3:ListBucket": "arn:aws:s3:::local-b",
		"s3:PutObject": "arn:aws:s3:::local-b/malware-protection-resource-validation-object",
		"s3:GetObject": "arn:aws:s3:::local-b/in/*", "s3:GetObjectVersion": "arn:aws:s3:::local-b/in/*",
	}
	faults := func(left, condition, prefixes string) error {
		var lines []string
		for action, on := range granted {
			if action != left {
				lines = append(lines, fmt.Sprintf("{ Effect: Allow, Action: %s, Resource: %q, %s }", action, on, condition))
			}
		}
		source := strings.Replace(withPlan("BucketName: !Ref B, ObjectPrefixes: "+prefixes, ""), `{ Effect: Allow, Action: [events:*, s3:*], Resource: "*" }`, strings.Join(lines, ", "), 1)
		s := load(t, source, nil)
		planOf(s)
		return s.err("template")
	}
	for _, condition := range []string{"", own} {
		if err := faults("", condition, "[in/]"); err != nil {
			t.Errorf("with everything, and %q: %v", condition, err)
		}
	}
	for action := range granted {
		err := faults(action, own, "[in/]")
		if err == nil || strings.Count(err.Error(), "is not allowed, and GuardDuty needs it") != 1 || !strings.Contains(err.Error(), "Resources.R: "+action+" on ") {
			t.Errorf("without %s: %v", action, err)
		}
	}
	for _, tt := range []struct{ name, condition, prefixes, want string }{
		{"objects that it may not read", own, "[in/, out/]", "s3:GetObjectVersion on arn:aws:s3:::local-b/out/0 is not allowed"},
		{"all objects", own, "[]", "s3:GetObjectVersion on arn:aws:s3:::local-b/0 is not allowed"},
		{"another condition", `Condition: { Bool: { "aws:SecureTransport": "true" } }`, "[in/]", `the property "Condition" is not known`},
		{"rules of somebody else", strings.Replace(own, malwareService, "x", 1), "[in/]", `the property "Condition" is not known`},
		{"one more condition", strings.Replace(own, "{ StringLike", `{ Bool: { "aws:SecureTransport": "true" }, StringLike`, 1), "[in/]", `the property "Condition" is not known`},
	} {
		if err := faults("", tt.condition, tt.prefixes); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: faults %v, want one with: %s", tt.name, err, tt.want)
		}
	}
}

func TestWhatIsNotUnderstoodInARoleIsANamedFault(t *testing.T) {
	t.Parallel()
	const at = "Resources.Role.Properties.Policies.0.PolicyDocument.Statement.1"
	for _, tt := range []struct{ name, statement, want string }{
		{"a condition", `{ Effect: Allow, Action: a:B, Resource: "*", Condition: { Bool: { "aws:SecureTransport": "true" } } }`, at + `: the property "Condition" is not known`},
		{"all actions but one", `{ Effect: Allow, NotAction: a:B, Resource: "*" }`, at + `: the property "NotAction" is not known`},
		{"all resources but one", `{ Effect: Allow, Action: a:B, NotResource: "*" }`, at + `: the property "NotResource" is not known`},
		{"a principal", `{ Effect: Allow, Action: a:B, Resource: "*", Principal: "*" }`, at + `: the property "Principal" is not known`},
		{"an effect of small letters", `{ Effect: allow, Action: a:B, Resource: "*" }`, at + ".Effect: must be Allow or Deny"},
		{"no action", `{ Effect: Allow, Resource: "*" }`, at + ": needs an Action and a Resource"},
		{"an action without its service", `{ Effect: Allow, Action: [GetItem], Resource: "*" }`, at + `.Action: "GetItem" is no action`},
		{"a name in place of an ARN", `{ Effect: Allow, Action: a:B, Resource: !Ref Table }`, at + `.Resource: "local-Table" is no ARN`},
		{"a policy variable", `{ Effect: Allow, Action: a:B, Resource: "arn:aws:s3:::b/${aws:username}" }`, at + `.Resource: "arn:aws:s3:::b/${aws:username}": policy variables are not played`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, withStatements("", tt.statement), nil)
			planOf(s)
			if err := s.err("template"); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "line 23, ") {
				t.Errorf("faults: %v\nwant one with: %s", err, tt.want)
			}
		})
	}
	for _, tt := range []struct{ name, from, to, want string }{
		{"a managed policy", "      Policies:", "      ManagedPolicyArns: [x]\n      Policies:", `Resources.Role.Properties: the property "ManagedPolicyArns" is not known`},
		{"a boundary", "      Policies:", "      PermissionsBoundary: x\n      Policies:", `the property "PermissionsBoundary" is not known`},
		{"a function without a role", ", Role: !GetAtt Role.Arn", "", "Resources.F.Properties.Role: must be a role of this template"},
		{"a role of another account", "Role: !GetAtt Role.Arn", "Role: arn:aws:iam::1:role/x", "Resources.F.Properties.Role: must be a role of this template"},
		{"a role for GuardDuty", "lambda.amazonaws.com", malwareService, "Resources.Role: does not let lambda.amazonaws.com assume it"},
		{"a role for somebody else", "lambda.amazonaws.com", "ec2.amazonaws.com", "Resources.Role: does not let lambda.amazonaws.com assume it"},
		{"an older policy language", `            Version: "2012-10-17"`, `            Version: "2008-10-17"`, `PolicyDocument.Version: must be "2012-10-17"`},
		{"two functions with one access key", "  F:\n", "  f:\n    Type: AWS::Serverless::Function\n    Properties: { Runtime: provided.al2023, Handler: bootstrap, CodeUri: functions/f/, Role: !GetAtt Role.Arn }\n  F:\n", "they have one access key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := withStatements("", "")
			if !strings.Contains(source, tt.from) {
				t.Fatalf("%q is not in the template", tt.from)
			}
			s := load(t, strings.Replace(source, tt.from, tt.to, 1), nil)
			planOf(s)
			if err := s.err("template"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("faults: %v\nwant one with: %s", err, tt.want)
			}
		})
	}
}
