package bucket_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

// cloud configures clients for an engine, or for AWS.
func cloud(endpoint string) aws.Config {
	c := aws.Config{
		Region: "eu-west-2", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "token"), RetryMaxAttempts: 1,
	}
	if endpoint != "" {
		c.BaseEndpoint = &endpoint
	}
	return c
}

// engine answers as S3 does and notes what it was asked.
func engine(t *testing.T, status int, body string) (bucket.Bucket, *[]string) {
	t.Helper()
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		asked = append(asked, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), sent)))
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return bucket.Open(cloud(s.URL), "uploads"), &asked
}

func TestVersionsOfAFileAreFoundNewestFirst(t *testing.T) {
	t.Parallel()
	b, asked := engine(t, 200, `<ListVersionsResult>
		<Version><Key>extracts/A</Key><VersionId>2</VersionId><IsLatest>true</IsLatest><Size>7</Size></Version>
		<Version><Key>extracts/A</Key><VersionId>1</VersionId><Size>5</Size></Version>
		<Version><Key>extracts/AB</Key><VersionId>9</VersionId><Size>1</Size></Version>
		<DeleteMarker><Key>extracts/A</Key><VersionId>0</VersionId></DeleteMarker></ListVersionsResult>`)
	found, err := b.Find(t.Context(), "extracts/A")
	if err != nil || !slices.Equal(found, []upload.Object{{Version: "2", Size: 7}, {Version: "1", Size: 5}}) {
		t.Errorf("%v, %v", found, err)
	}
	if !slices.Equal(*asked, []string{"GET /uploads?prefix=extracts%2FA&versions="}) {
		t.Errorf("asked %q", *asked)
	}
}

func TestOneVersionIsReadAndDeletedAndAnswersArePut(t *testing.T) {
	t.Parallel()
	b, asked := engine(t, 200, "text")
	body, err := b.Open(t.Context(), "extracts/A", "v 1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err = errors.Join(err, body.Close()); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	if err := b.Delete(t.Context(), "extracts/A", "v 1"); err != nil {
		t.Error(err)
	}
	if err := b.Put(t.Context(), "answers/A.csv", "text/csv", []byte("row")); err != nil {
		t.Error(err)
	}
	want := []string{"GET /uploads/extracts/A?versionId=v+1&x-id=GetObject", "DELETE /uploads/extracts/A?versionId=v+1&x-id=DeleteObject", "PUT /uploads/answers/A.csv?x-id=PutObject text/csv row"}
	for i := range *asked {
		(*asked)[i] = strings.ReplaceAll((*asked)[i], "%20", "+")
	}
	if !slices.Equal(*asked, want) {
		t.Errorf("asked %q", *asked)
	}
}

func TestWhatIsGoneIsToldFromWhatCannotBeReached(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		status int
		want   error
	}{
		"NoSuchKey": {404, upload.ErrGone}, "NoSuchVersion": {404, upload.ErrGone}, "SlowDown": {503, optout.ErrUnavailable}, "AccessDenied": {403, optout.ErrUnavailable},
	} {
		b, _ := engine(t, c.status, "<Error><Code>"+code+"</Code></Error>")
		if _, err := b.Open(t.Context(), "extracts/A", "1"); !errors.Is(err, c.want) {
			t.Errorf("%s: open says %v", code, err)
		}
		if err := b.Delete(t.Context(), "extracts/A", "1"); (err == nil) != (c.want == upload.ErrGone) {
			t.Errorf("%s: delete says %v", code, err)
		}
		if _, err := b.Find(t.Context(), "extracts/A"); err == nil {
			t.Errorf("%s: find says nothing", code)
		}
	}
	b := bucket.Open(cloud("http://127.0.0.1:1"), "uploads")
	if err := b.Put(t.Context(), "answers/A.csv", "text/csv", nil); !errors.Is(err, optout.ErrUnavailable) {
		t.Errorf("nobody is there: %v", err)
	}
}

func TestAFormPutsOneFileOfAKeyAndSizeAndComesBack(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string][2]string{
		"":                      {"https://uploads.s3.eu-west-2.amazonaws.com", "https://uploads.s3.eu-west-2.amazonaws.com"},
		"http://127.0.0.1:9000": {"http://127.0.0.1:9000/uploads", "http://127.0.0.1:9000"},
	} {
		f, err := bucket.Open(cloud(endpoint), "uploads").Form(t.Context(), bucket.File{Key: "extracts/A", Most: 64, Kind: "image/tiff", Back: "https://optout.example/back"})
		if err != nil {
			t.Fatal(err)
		}
		if f.Address != want[0] || f.Origin != want[1] {
			t.Errorf("it goes to %s at %s", f.Address, f.Origin)
		}
		fields := map[string]string{}
		for _, x := range f.Fields {
			fields[x.Name] = x.Value
		}
		if fields["key"] != "extracts/A" || fields["success_action_redirect"] != "https://optout.example/back" || fields["Content-Type"] != "image/tiff" || fields["X-Amz-Signature"] == "" || fields["X-Amz-Security-Token"] != "token" {
			t.Errorf("its fields are %v", fields)
		}
		raw, err := base64.StdEncoding.DecodeString(fields["policy"])
		if err != nil {
			t.Fatal(err)
		}
		var policy struct {
			Expiration time.Time
			Conditions []json.RawMessage
		}
		if err := json.Unmarshal(raw, &policy); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(policy.Expiration); left > upload.Lasts || left < upload.Lasts-time.Minute {
			t.Errorf("it is good for %v", left)
		}
		for _, c := range []string{`{"key":"extracts/A"}`, `{"bucket":"uploads"}`, `["content-length-range",1,64]`, `{"success_action_redirect":"https://optout.example/back"}`, `{"Content-Type":"image/tiff"}`} {
			if !slices.ContainsFunc(policy.Conditions, func(got json.RawMessage) bool { return bytes.Equal(got, []byte(c)) }) {
				t.Errorf("nothing says %s in %s", c, raw)
			}
		}
	}
}

func TestAFormThatScriptsSendLeadsNowhere(t *testing.T) {
	t.Parallel()
	f, err := bucket.Open(cloud(""), "uploads").Form(t.Context(), bucket.File{Key: "scans/A", Most: 64})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range f.Fields {
		if x.Name == "success_action_redirect" || x.Name == "Content-Type" {
			t.Errorf("it has %s: %s", x.Name, x.Value)
		}
	}
}

func TestAPictureIsShownForAMinute(t *testing.T) {
	t.Parallel()
	link, err := bucket.Open(cloud(""), "uploads").Picture(t.Context(), "pages/A/001.jpg")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); u.Path != "/pages/A/001.jpg" || q.Get("X-Amz-Expires") != "60" || q.Has("response-content-disposition") {
		t.Errorf("the picture is at %s", link)
	}
}

func TestALinkIsGoodForAMinuteAndSavesTheFileUnderAName(t *testing.T) {
	t.Parallel()
	link, err := bucket.Open(cloud(""), "uploads").Link(t.Context(), "answers/A.csv", "list.csv")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Path != "/answers/A.csv" || q.Get("X-Amz-Expires") != "60" || q.Get("response-content-disposition") != "attachment; filename=list.csv" {
		t.Errorf("the link is %s", link)
	}
}

func TestAnErrorOfTheWayNamesNoFile(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close() // nobody is there
	b := bucket.Open(cloud(s.URL), "uploads")
	_, find := b.Find(t.Context(), "extracts/A-KEY")
	_, open := b.Open(t.Context(), "extracts/A-KEY", "1")
	for _, err := range []error{find, open, b.Put(t.Context(), "extracts/A-KEY", "", nil), b.Delete(t.Context(), "extracts/A-KEY", "1")} {
		if !errors.Is(err, optout.ErrUnavailable) || strings.Contains(err.Error(), "A-KEY") || !strings.Contains(err.Error(), "refused") {
			t.Errorf("it says %v", err)
		}
	}
}
