package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// need is one action on one resource that a call must be allowed.
type need struct{ action, resource string }

// bucketARN is the ARN of a bucket.
func bucketARN(name string) string { return fmt.Sprintf(attributes["AWS::S3::Bucket.Arn"], name) }

// role is what an AWS::IAM::Role of the template allows.
type role struct {
	id           string
	forLambda    bool // Lambda may take it
	forGuardDuty bool // GuardDuty may, for a plan of Malware Protection
	statements   []statement
}

type statement struct {
	deny               bool
	actions, resources []string // with wildcards
}

// refuses says why the role does not allow a need, in the words of AWS; empty if it does. A statement that denies
// wins over all that allow.
func (r role) refuses(n need) string {
	allowed := false
	for _, s := range r.statements {
		switch {
		case !s.covers(n):
		case s.deny:
			return "with an explicit deny in an identity-based policy"
		default:
			allowed = true
		}
	}
	if !allowed {
		return "because no identity-based policy allows the " + n.action + " action"
	}
	return ""
}

func (s statement) covers(n need) bool {
	action := strings.ToLower(n.action) // IAM does not tell them apart by case
	return slices.ContainsFunc(s.actions, func(p string) bool { return like(strings.ToLower(p), action) }) &&
		slices.ContainsFunc(s.resources, func(p string) bool { return likeARN(p, n.resource) })
}

// arnSegments is how many parts an ARN has. The last one may hold colons.
const arnSegments = 6

// likeARN compares part by part: a wildcard does not reach over a colon, but for one in the last part. What is
// asked for no resource in particular, on "*", is allowed by "*" alone.
func likeARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	patterns, parts := strings.SplitN(pattern, ":", arnSegments), strings.SplitN(arn, ":", arnSegments)
	return slices.EqualFunc(patterns, parts, like)
}

// like compares a text with a pattern in which * is any text and ? any one character.
func like(pattern, text string) bool {
	star, from := -1, 0 // the last *, and where what it stands for ends
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// words are one text or a list of texts.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var one word
	var many []word
	if json.Unmarshal(b, &many) != nil {
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		many = []word{one}
	}
	for _, x := range many {
		*w = append(*w, string(x))
	}
	return nil
}

type policyDocument struct {
	Version   word
	Statement json.RawMessage
}

type roleProperties struct {
	AssumeRolePolicyDocument policyDocument
	Policies                 []struct {
		PolicyName     word
		PolicyDocument policyDocument
	}

	Description, MaxSessionDuration, Tags any
}

// role reads a role. What would change what it allows and is not understood is a fault.
func (p *plan) role(s *stack, r resource) error {
	at := r.path() + ".Properties"
	var in roleProperties
	if err := strictly(r.Properties, &in); err != nil {
		return err
	}
	out := role{id: r.ID}
	for i, raw := range s.statements(at+".AssumeRolePolicyDocument", in.AssumeRolePolicyDocument) {
		var x struct {
			Sid, Effect word
			Action      words
			Principal   struct{ Service words }
		}
		switch err := strictly(raw, &x); {
		case err != nil:
			s.fault(fmt.Sprintf("%s.AssumeRolePolicyDocument.Statement.%d", at, i), "%v", err)
		case x.Effect == "Allow" && slices.Contains(x.Principal.Service, "lambda.amazonaws.com") && slices.Contains(x.Action, "sts:AssumeRole"):
			out.forLambda = true
		case x.Effect == "Allow" && slices.Equal(x.Principal.Service, words{malwareService}) && slices.Contains(x.Action, "sts:AssumeRole"):
			out.forGuardDuty = true
		default:
			s.fault(fmt.Sprintf("%s.AssumeRolePolicyDocument.Statement.%d", at, i), "only that lambda.amazonaws.com or %s may sts:AssumeRole is understood", malwareService)
		}
	}
	for i, policy := range in.Policies {
		policyAt := fmt.Sprintf("%s.Policies.%d.PolicyDocument", at, i)
		for j, raw := range s.statements(policyAt, policy.PolicyDocument) {
			if out.forGuardDuty && !out.forLambda {
				raw = withoutOwnCondition(raw)
			}
			out.statements = append(out.statements, s.statement(fmt.Sprintf("%s.Statement.%d", policyAt, j), raw))
		}
	}
	p.roles = append(p.roles, out)
	return nil
}

// statements are those of a policy document, which may have one without a list.
func (s *stack) statements(at string, d policyDocument) []json.RawMessage {
	if d.Version != "2012-10-17" {
		s.fault(at+".Version", `must be "2012-10-17"`)
	}
	var many []json.RawMessage
	if len(d.Statement) > 0 && json.Unmarshal(d.Statement, &many) != nil {
		many = []json.RawMessage{d.Statement}
	}
	if len(many) == 0 {
		s.fault(at, "has no statement")
	}
	return many
}

func (s *stack) statement(at string, raw json.RawMessage) statement {
	var x struct {
		Sid, Effect      word
		Action, Resource words
	}
	if err := strictly(raw, &x); err != nil {
		s.fault(at, "%v", err)
		return statement{}
	}
	if x.Effect != "Allow" && x.Effect != "Deny" {
		s.fault(at+".Effect", "must be Allow or Deny")
	}
	if len(x.Action) == 0 || len(x.Resource) == 0 {
		s.fault(at, "needs an Action and a Resource")
	}
	for _, a := range x.Action {
		if service, name, ok := strings.Cut(a, ":"); a != "*" && (!ok || service == "" || name == "") {
			s.fault(at+".Action", "%q is no action: it must be like dynamodb:GetItem", a)
		}
	}
	for _, r := range x.Resource {
		switch {
		case strings.Contains(r, "${"):
			s.fault(at+".Resource", "%q: policy variables are not played", r)
		case r != "*" && (!strings.HasPrefix(r, "arn:") || strings.Count(r, ":") < arnSegments-1):
			s.fault(at+".Resource", `%q is no ARN and not "*"`, r)
		}
	}
	return statement{deny: x.Effect == "Deny", actions: x.Action, resources: x.Resource}
}

// withoutOwnCondition leaves out the one condition that is understood, which all that GuardDuty does to rules fulfils: that
// the rule is one that it keeps itself.
func withoutOwnCondition(raw json.RawMessage) json.RawMessage {
	var x map[string]json.RawMessage
	var c map[string]map[string]words
	if json.Unmarshal(raw, &x) != nil || json.Unmarshal(x["Condition"], &c) != nil || len(c) != 1 || len(c["StringLike"]) != 1 ||
		!slices.Equal(c["StringLike"]["events:ManagedBy"], words{malwareService}) {
		return raw
	}
	delete(x, "Condition")
	if b, err := json.Marshal(x); err == nil {
		return b
	}
	return raw
}

// takeRole finds the role of a function.
func (p *plan) takeRole(s *stack, at, arn string) role {
	r := p.findRole(s, at, arn)
	if r.id != "" && !r.forLambda {
		s.fault("Resources."+r.id, "does not let lambda.amazonaws.com assume it, and a function names it")
	}
	return r
}

func (p *plan) findRole(s *stack, at, arn string) role {
	for _, r := range p.roles {
		if fmt.Sprintf(attributes["AWS::IAM::Role.Arn"], resource{ID: r.id}.physical()) == arn {
			return r
		}
	}
	s.fault(at+".Role", "must be a role of this template, by !GetAtt <role>.Arn")
	return role{}
}

// check is a fault for each need of a service that its role does not allow.
func (s *stack) check(r role, service, what string, needs ...need) {
	for _, n := range needs {
		if why := r.refuses(n); r.id != "" && why != "" {
			s.fault("Resources."+r.id, "%s on %s is not allowed, and %s needs it %s", n.action, n.resource, service, what)
		}
	}
}

// taken are faults where a role lacks what Lambda itself does with it: no call of the function would show that.
func (p *plan) taken(s *stack) {
	check := func(r role, what string, needs ...need) { s.check(r, "Lambda", what, needs...) }
	roles := map[string]role{}
	for _, f := range p.functions {
		roles[f.id] = f.role
		stream := fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:log-stream:2026/01/31/[$LATEST]0", region, account, f.logGroup)
		check(f.role, "to keep what "+f.id+" logs", need{"logs:CreateLogStream", stream}, need{"logs:PutLogEvents", stream})
	}
	for _, m := range p.mappings {
		check(roles[m.function], "to read the stream for "+m.name(),
			need{"dynamodb:DescribeStream", m.streamARN}, need{"dynamodb:GetRecords", m.streamARN},
			need{"dynamodb:GetShardIterator", m.streamARN}, need{"dynamodb:ListStreams", "*"}) // this one knows no resources
		if m.onFailure != "" {
			check(roles[m.function], "to put what it gives up for "+m.name()+" into the bucket",
				need{"s3:PutObject", m.onFailure + "/aws/lambda/0"}, need{"s3:ListBucket", m.onFailure})
		}
	}
}
