package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws-cloudformation/rain/cft/parse"
	"gopkg.in/yaml.v3"
)

const (
	region    = "eu-west-2"
	account   = "000000000000"
	stackName = "local"
)

// object is a mapping of the template after its YAML tags were normalised.
type object = map[string]any

// resource is one resource of the template, its properties resolved and its globals merged.
type resource struct {
	ID         string
	Type       string
	Properties object
}

// physical is the name a resource has here. Those of buckets are in lower case, as S3 wants them.
func (r resource) physical() string {
	if r.Type == "AWS::S3::Bucket" {
		return strings.ToLower(stackName + "-" + r.ID)
	}
	return stackName + "-" + r.ID
}

// path is where the resource stands in the template.
func (r resource) path() string { return "Resources." + r.ID }

// addresses are where things of the template are reached.
type addresses struct {
	api    string // the HTTP API
	issuer string // the user pool
}

// fault is something in the template that cannot be played.
type fault struct {
	path string
	line int
	text string
}

func (f fault) Error() string {
	if f.line == 0 {
		return f.path + ": " + f.text
	}
	return fmt.Sprintf("line %d, %s: %s", f.line, f.path, f.text)
}

// stack is a template resolved against local names. All faults are gathered, so that one start names them all.
type stack struct {
	resources  []resource // by logical id
	parameters map[string]string

	addresses
	raw        object
	root       *yaml.Node
	conditions map[string]bool
	resolving  map[string]bool // conditions being resolved, against a circle
	faults     []fault
}

// loadStack reads and resolves the template. Settings override parameters and must be in the template; defaults
// do so only if the template has the parameter.
func loadStack(file string, settings, defaults map[string]string, at addresses) (*stack, error) {
	t, err := parse.File(file)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	s := &stack{
		parameters: map[string]string{}, addresses: at,
		conditions: map[string]bool{}, resolving: map[string]bool{},
	}
	if t.Node != nil && len(t.Node.Content) > 0 {
		s.root = t.Node.Content[0]
	}
	if err := t.Node.Decode(&s.raw); err != nil {
		return nil, fmt.Errorf("read template %s: %w", file, err)
	}
	s.sections()
	s.parameterValues(settings, defaults)
	for name := range section(s.raw, "Conditions") {
		s.condition("Conditions."+name, name)
	}
	s.resolveResources()
	for name, v := range section(s.raw, "Outputs") {
		o, _ := v.(object)
		if c, ok := o["Condition"].(string); ok && !s.condition("Outputs."+name, c) {
			continue
		}
		s.resolve("Outputs."+name+".Value", o["Value"]) // for its faults
	}
	return s, nil
}

// err is all faults as one error, in the order of the template.
func (s *stack) err(file string) error {
	if len(s.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(s.faults, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	errs := []error{fmt.Errorf("%s cannot be run locally", file)}
	for _, f := range s.faults {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

// fault notes that what stands at path cannot be played.
func (s *stack) fault(path, format string, args ...any) {
	f := fault{path: path, line: s.line(path), text: fmt.Sprintf(format, args...)}
	if !slices.Contains(s.faults, f) {
		s.faults = append(s.faults, f)
	}
}

// line finds the line of a path, or of the nearest thing above it that has one.
func (s *stack) line(path string) int {
	n, line := s.root, 0
	for _, key := range strings.Split(path, ".") {
		if n == nil {
			break
		}
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == key {
					next = n.Content[i+1]
					line = max(line, n.Content[i].Line)
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(key); err == nil && i < len(n.Content) {
				next = n.Content[i]
				line = max(line, next.Line)
			}
		}
		n = next
	}
	return line
}

func (s *stack) sections() {
	for name, v := range s.raw {
		switch name {
		case "AWSTemplateFormatVersion", "Description", "Metadata":
		case "Parameters", "Conditions", "Resources", "Outputs":
			s.mapping(name, v)
		case "Transform":
			if v != "AWS::Serverless-2016-10-31" {
				s.fault(name, "the transform %v is not known", v)
			}
		case "Globals":
			for kind := range section(s.raw, name) {
				if kind != "Function" && kind != "HttpApi" {
					s.fault(name+"."+kind, "globals of %s are not known", kind)
				}
			}
		default:
			s.fault(name, "the section %s is not known", name)
		}
	}
}

// mapping is v, which must be a mapping if it is there.
func (s *stack) mapping(path string, v any) object {
	m, ok := v.(object)
	if !ok && v != nil {
		s.fault(path, "is no mapping")
	}
	return m
}

func (s *stack) parameterValues(settings, defaults map[string]string) {
	declared := section(s.raw, "Parameters")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if _, ok := declared[name]; !ok {
			s.fault("Parameters", "-set %s: the template has no such parameter", name)
		}
	}
	for name, v := range declared {
		path := "Parameters." + name
		p := s.mapping(path, v)
		for attribute := range p {
			switch attribute {
			case "Type", "Default", "AllowedValues", "AllowedPattern", "MinLength", "MinValue", "MaxValue", "ConstraintDescription", "Description":
			default:
				s.fault(path+"."+attribute, "the parameter attribute %s is not known", attribute)
			}
		}
		if typ := text(p["Type"]); typ != "String" && typ != "Number" {
			s.fault(path, "a parameter of type %s is not known", typ)
		}
		value, ok := settings[name]
		if !ok {
			value, ok = defaults[name]
		}
		if !ok {
			if p["Default"] == nil {
				s.fault(path, "has no value: give one with -set %s=…", name)
			}
			value = text(p["Default"])
		}
		if allowed, ok := p["AllowedValues"].([]any); ok && !slices.ContainsFunc(allowed, func(a any) bool { return text(a) == value }) {
			s.fault(path, "%q is not one of the allowed values", value)
		}
		if shortest, _ := strconv.Atoi(text(p["MinLength"])); len(value) < shortest {
			s.fault(path, "%q is shorter than %d characters", value, shortest)
		}
		if text(p["Type"]) == "Number" {
			least, _ := strconv.ParseFloat(orText(text(p["MinValue"]), "-Inf"), 64)
			if n, err := strconv.ParseFloat(value, 64); err != nil || n < least {
				s.fault(path, "%q is no number from %v up", value, least)
			} else if most, _ := strconv.ParseFloat(orText(text(p["MaxValue"]), "Inf"), 64); n > most {
				s.fault(path, "%q is no number up to %v", value, most)
			}
		}
		if pattern := text(p["AllowedPattern"]); pattern != "" {
			re, err := regexp.Compile("^(?:" + pattern + ")$")
			switch {
			case err != nil:
				s.fault(path, "the pattern cannot be read: %v", err)
			case !re.MatchString(value):
				s.fault(path, "%q does not match the pattern", value)
			}
		}
		s.parameters[name] = value
	}
}

func (s *stack) resolveResources() {
	for _, id := range slices.Sorted(maps.Keys(section(s.raw, "Resources"))) {
		path := "Resources." + id
		raw := s.mapping(path, section(s.raw, "Resources")[id])
		for attribute := range raw {
			switch attribute {
			case "Type", "Properties", "Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy":
			default:
				s.fault(path+"."+attribute, "the resource attribute %s is not known", attribute)
			}
		}
		if c, ok := raw["Condition"].(string); ok && !s.condition(path+".Condition", c) {
			continue
		}
		typ := text(raw["Type"])
		properties := s.mapping(path+".Properties", raw["Properties"])
		if kind, ok := strings.CutPrefix(typ, "AWS::Serverless::"); ok {
			properties = merge(section(section(s.raw, "Globals"), kind), properties)
		}
		resolved, _ := s.resolve(path+".Properties", properties).(object)
		s.resources = append(s.resources, resource{ID: id, Type: typ, Properties: resolved})
	}
}

// noValue is what AWS::NoValue resolves to: the property it stands in is left out.
type noValue struct{}

// resolve replaces every intrinsic below v.
func (s *stack) resolve(path string, v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for i, x := range v {
			if y := s.resolve(path+"."+strconv.Itoa(i), x); y != (noValue{}) {
				out = append(out, y)
			}
		}
		return out
	case object:
		if len(v) == 1 {
			for name, argument := range v {
				if strings.HasPrefix(name, "Fn::") || name == "Ref" {
					return s.intrinsic(path, name, argument)
				}
			}
		}
		out := make(object, len(v))
		for k, x := range v {
			if y := s.resolve(path+"."+k, x); y != (noValue{}) {
				out[k] = y
			}
		}
		return out
	case map[any]any:
		s.fault(path, "has a key that is no text")
		return nil
	}
	return v
}

func (s *stack) intrinsic(path, name string, argument any) any {
	two := func() []any {
		l, ok := s.resolve(path, argument).([]any)
		if !ok || len(l) != 2 {
			s.fault(path, "%s: needs two arguments", name)
			return make([]any, 2)
		}
		return l
	}
	switch name {
	case "Ref":
		return s.ref(path, text(argument))
	case "Fn::GetAtt":
		if l, ok := argument.([]any); ok && len(l) == 2 {
			return s.attribute(path, text(l[0]), text(s.resolve(path, l[1])))
		}
		s.fault(path, "Fn::GetAtt: wrong number of arguments")
	case "Fn::Sub":
		return s.substitute(path, argument)
	case "Fn::Join":
		l := two()
		words, ok := l[1].([]any)
		if !ok {
			s.fault(path, "Fn::Join: needs a list")
		}
		var parts []string
		for _, x := range words {
			parts = append(parts, text(x))
		}
		return strings.Join(parts, text(l[0]))
	case "Fn::If":
		// Only the chosen side is resolved: the other may name resources that do not exist here.
		l, ok := argument.([]any)
		if !ok || len(l) != 3 {
			s.fault(path, "Fn::If: wrong number of arguments")
			return nil
		}
		if s.condition(path, text(l[0])) {
			return s.resolve(path, l[1])
		}
		return s.resolve(path, l[2])
	case "Fn::Equals":
		l := two()
		return text(l[0]) == text(l[1])
	default:
		s.fault(path, "the intrinsic %s is not known", name)
	}
	return nil
}

var substitution = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

func (s *stack) substitute(path string, argument any) any {
	words, variables := argument, object{}
	if l, ok := argument.([]any); ok && len(l) == 2 {
		words = l[0]
		variables, _ = s.resolve(path, l[1]).(object)
	}
	if !isString(words) {
		s.fault(path, "Fn::Sub: needs a text")
		return nil
	}
	return substitution.ReplaceAllStringFunc(text(words), func(match string) string {
		m := substitution.FindStringSubmatch(match)
		if m[1] == "!" {
			return "${" + m[2] + "}"
		}
		name := strings.TrimSpace(m[2])
		if v, ok := variables[name]; ok {
			return text(v)
		}
		if id, attribute, ok := strings.Cut(name, "."); ok {
			return text(s.attribute(path, id, attribute))
		}
		return text(s.ref(path, name))
	})
}

func (s *stack) condition(path, name string) bool {
	if v, ok := s.conditions[name]; ok {
		return v
	}
	raw, ok := section(s.raw, "Conditions")[name]
	if !ok {
		s.fault(path, "there is no condition %s", name)
		return false
	}
	if s.resolving[name] {
		s.fault("Conditions."+name, "the condition refers to itself")
		return false
	}
	s.resolving[name] = true
	v := s.resolve("Conditions."+name, raw)
	if b, ok := v.(bool); ok {
		s.conditions[name] = b
	} else {
		s.fault("Conditions."+name, "is neither true nor false")
	}
	return s.conditions[name]
}

// existing tells the type of a resource that the conditions leave in the stack.
func (s *stack) existing(path, id string) (string, bool) {
	raw, ok := section(s.raw, "Resources")[id].(object)
	if !ok {
		s.fault(path, "there is no resource or parameter %s", id)
		return "", false
	}
	if c, ok := raw["Condition"].(string); ok && !s.condition(path, c) {
		s.fault(path, "the resource %s is left out by the condition %s", id, c)
		return "", false
	}
	return text(raw["Type"]), true
}

func (s *stack) ref(path, name string) any {
	switch name {
	case "AWS::Region":
		return region
	case "AWS::AccountId":
		return account
	case "AWS::StackName":
		return stackName
	case "AWS::Partition":
		return "aws"
	case "AWS::NoValue":
		return noValue{}
	}
	if v, ok := s.parameters[name]; ok {
		return v
	}
	typ, ok := s.existing(path, name)
	if !ok {
		return nil
	}
	physical := resource{ID: name, Type: typ}.physical()
	if typ == "AWS::SecretsManager::Secret" {
		return secretARN(physical)
	}
	return physical
}

// attributes are what Fn::GetAtt knows, by resource type and attribute; %s is the physical name.
var attributes = map[string]string{
	"AWS::DynamoDB::Table.Arn":                  "arn:aws:dynamodb:" + region + ":" + account + ":table/%s",
	"AWS::DynamoDB::Table.StreamArn":            "arn:aws:dynamodb:" + region + ":" + account + ":table/%s/stream/local",
	"AWS::GuardDuty::MalwareProtectionPlan.Arn": "arn:aws:guardduty:" + region + ":" + account + ":malware-protection-plan/%s",
	"AWS::IAM::Role.Arn":                        "arn:aws:iam::" + account + ":role/%s",
	"AWS::Logs::LogGroup.Arn":                   "arn:aws:logs:" + region + ":" + account + ":log-group:%s:*",
	"AWS::S3::Bucket.Arn":                       "arn:aws:s3:::%s",
	"AWS::Serverless::Function.Arn":             "arn:aws:lambda:" + region + ":" + account + ":function:%s",
}

func (s *stack) attribute(path, id, attribute string) any {
	typ, ok := s.existing(path, id)
	if !ok {
		return nil
	}
	physical := resource{ID: id, Type: typ}.physical()
	switch typ + "." + attribute {
	case "AWS::Serverless::HttpApi.ApiEndpoint":
		return s.api
	case "AWS::Cognito::UserPool.ProviderURL":
		return s.issuer
	}
	format, ok := attributes[typ+"."+attribute]
	if !ok {
		s.fault(path, "the attribute %s of %s (%s) is not known", attribute, id, typ)
		return nil
	}
	return fmt.Sprintf(format, physical)
}

// section is the mapping at a key, or an empty one.
func section(m object, key string) object {
	v, _ := m[key].(object)
	return v
}

// merge lays a resource's properties over its globals as SAM does: maps are merged, lists joined, the rest replaced.
func merge(global, own object) object {
	out := maps.Clone(global)
	if out == nil {
		out = object{}
	}
	for k, v := range own {
		switch mine := v.(type) {
		case object:
			if theirs, ok := out[k].(object); ok && !isIntrinsic(mine) && !isIntrinsic(theirs) {
				v = merge(theirs, mine)
			}
		case []any:
			if theirs, ok := out[k].([]any); ok {
				v = slices.Concat(theirs, mine)
			}
		}
		out[k] = v
	}
	return out
}

func isIntrinsic(m object) bool {
	for k := range m {
		return len(m) == 1 && (k == "Ref" || strings.HasPrefix(k, "Fn::"))
	}
	return false
}

func isString(v any) bool { _, ok := v.(string); return ok }

// text is a scalar as CloudFormation passes it on.
func text(v any) string {
	switch v := v.(type) {
	case nil, noValue:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
