// Package config is the only reader of the environment: one struct for each function, every fault reported at
// start-up. template.yaml sets what is read here, nothing more and nothing less (TestTemplateFitsTheFunctions).
package config

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/caarlos0/env/v11"

	"example.org/optout/functions/internal/nhs"
)

// Patient configures the patients' door.
type Patient struct {
	Table           string `env:"TABLE,notEmpty"`
	Keyring         string `env:"KEYRING,notEmpty"` // ARN of the secret
	Controller      string `env:"CONTROLLER,notEmpty"`
	Contact         string `env:"CONTACT"`            // how to reach the controller; "": not said
	DataOfficer     string `env:"PROTECTION_OFFICER"` // how to reach its data protection officer; "": not said
	NHSLogo         bool   `env:"NHS_LOGO,notEmpty"`  // the controller may use it
	TestNumbers     bool   `env:"TEST_NUMBERS,notEmpty"`
	FormsPerNetwork int    `env:"FORMS_PER_NETWORK,notEmpty"` // sent in ten minutes; 0: no limit
	LooksPerNetwork int    `env:"LOOKS_PER_NETWORK,notEmpty"` // wrong birth dates for one reference, likewise
}

// Practice configures the practices' door.
type Practice struct {
	Table       string `env:"TABLE,notEmpty"`
	Keyring     string `env:"KEYRING,notEmpty"` // ARN of the secret
	Controller  string `env:"CONTROLLER,notEmpty"`
	NHSLogo     bool   `env:"NHS_LOGO,notEmpty"` // the controller may use it
	TestNumbers bool   `env:"TEST_NUMBERS,notEmpty"`
	Address     string `env:"ADDRESS,notEmpty"`   // of this service, as browsers know it
	Issuer      string `env:"ISSUER,notEmpty"`    // URL of who signs staff in
	ClientID    string `env:"CLIENT_ID,notEmpty"` // ours, at the issuer
	Uploads     string `env:"UPLOADS,notEmpty"`   // the bucket
	SNOMED
}

// Office configures the office's door.
type Office struct {
	Table       string `env:"TABLE,notEmpty"`
	Keyring     string `env:"KEYRING,notEmpty"` // ARN of the secret
	Controller  string `env:"CONTROLLER,notEmpty"`
	NHSLogo     bool   `env:"NHS_LOGO,notEmpty"` // the controller may use it
	TestNumbers bool   `env:"TEST_NUMBERS,notEmpty"`
	Address     string `env:"ADDRESS,notEmpty"`   // of this service, as browsers know it
	Issuer      string `env:"ISSUER,notEmpty"`    // URL of who signs staff in
	ClientID    string `env:"CLIENT_ID,notEmpty"` // ours, at the issuer
}

// Mailroom configures the mailroom's door.
type Mailroom struct {
	Table       string `env:"TABLE,notEmpty"`
	Keyring     string `env:"KEYRING,notEmpty"` // ARN of the secret
	Controller  string `env:"CONTROLLER,notEmpty"`
	Contact     string `env:"CONTACT"`           // how to reach the controller, for letters; "": not said
	NHSLogo     bool   `env:"NHS_LOGO,notEmpty"` // the controller may use it
	TestNumbers bool   `env:"TEST_NUMBERS,notEmpty"`
	Address     string `env:"ADDRESS,notEmpty"`     // of this service, as browsers know it
	Issuer      string `env:"ISSUER,notEmpty"`      // URL of who signs staff in
	ClientID    string `env:"CLIENT_ID,notEmpty"`   // ours, at the issuer
	Uploads     string `env:"UPLOADS,notEmpty"`     // the bucket
	KeyedTwice  int    `env:"KEYED_TWICE,notEmpty"` // of a hundred pieces, how many are keyed by two people
	Sampled     int    `env:"SAMPLED,notEmpty"`     // of a hundred finished forms, how many are read once more
}

// SNOMED are the ids of SNOMED CT concepts that stand for a preference. None is known to us: whoever runs this service
// looks them up. "" is one that is not known.
type SNOMED struct {
	Implied    string `env:"SNOMED_IMPLIED"`
	Core       string `env:"SNOMED_CORE"`
	Additional string `env:"SNOMED_ADDITIONAL"`
	Dissent    string `env:"SNOMED_DISSENT"`
}

// Codebook knows these ids. An error if one is no SCTID, or if two are the same.
func (s SNOMED) Codebook() (nhs.Codebook, error) {
	book, err := nhs.NewCodebook(map[nhs.Preference]string{nhs.Implied: s.Implied, nhs.Core: s.Core, nhs.CoreAndAdditional: s.Additional, nhs.Dissent: s.Dissent})
	if err != nil {
		return book, fmt.Errorf("configuration: %w", err)
	}
	return book, nil
}

// Notify configures the stream's function.
type Notify struct {
	Table           string `env:"TABLE,notEmpty"`
	MailFrom        string `env:"MAIL_FROM,notEmpty"`
	MailSet         string `env:"MAIL_SET,notEmpty"` // configuration set, by which SES says what became of a mail
	Address         string `env:"ADDRESS,notEmpty"`  // of this service, which mails lead to
	PracticeAddress string `env:"PRACTICE_ADDRESS"`  // with {ods}; "": practices without an address go to the office
}

// Clock configures a scheduled function.
type Clock struct {
	Job             string `env:"JOB,notEmpty"` // which job this function does
	Table           string `env:"TABLE,notEmpty"`
	MailFrom        string `env:"MAIL_FROM,notEmpty"`
	MailSet         string `env:"MAIL_SET,notEmpty"`
	Address         string `env:"ADDRESS,notEmpty"`
	PracticeAddress string `env:"PRACTICE_ADDRESS"`
}

// Reader configures who reads uploads, by the stream or on a schedule.
type Reader struct {
	By          string `env:"BY,notEmpty"` // stream or schedule: what calls this function
	Table       string `env:"TABLE,notEmpty"`
	Uploads     string `env:"UPLOADS,notEmpty"` // the bucket
	Layouts     string `env:"LAYOUTS"`          // of practices' lists, as extract.ParseLayouts takes them; "": our own
	TestNumbers bool   `env:"TEST_NUMBERS,notEmpty"`
	SNOMED
}

// Scans is for the two that read scans.
type Scans struct {
	By      string `env:"BY,notEmpty"` // malware or schedule: what calls this function
	Table   string `env:"TABLE,notEmpty"`
	Uploads string `env:"UPLOADS,notEmpty"` // the bucket
}

// Bounce configures the function that hears what became of mails.
type Bounce struct {
	Table           string `env:"TABLE,notEmpty"`
	PracticeAddress string `env:"PRACTICE_ADDRESS"` // as those have it who send
}

// Runtime are the variables of the template that configure Go itself and are read by it, not here.
var Runtime = []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT", "SSL_CERT_DIR"}

// Read fills one of the structs above from the environment. Its error names everything that is missing or wrong.
func Read[T any]() (T, error) {
	c, err := env.ParseAs[T]()
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// AWS configures the clients of AWS's services. In a function, credentials and region always come as variables;
// reading them here instead of through the SDK's chain of profiles, roles and sign-ins keeps start-up short
// (docs/decisions/0007). AWS_ENDPOINT_URL_<SERVICE> leads a client elsewhere, as everywhere in the SDK.
func AWS() (aws.Config, error) {
	c := aws.Config{
		Region:           os.Getenv("AWS_REGION"),
		Credentials:      credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
		ConfigSources:    []any{endpoints{}},
		RetryMaxAttempts: 3,
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, 500*time.Millisecond })
		},
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(5 * time.Second).WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 32 }),
	}
	if c.Region == "" || os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		return c, errors.New("configuration: AWS_REGION or AWS_ACCESS_KEY_ID is not set")
	}
	return c, nil
}

// endpoints looks up a service's own endpoint, as the SDK's environment source does.
type endpoints struct{}

// GetServiceBaseEndpoint is what the SDK's clients ask their sources for.
func (endpoints) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	u := os.Getenv("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(sdkID, " ", "_")))
	return u, u != "", nil
}
