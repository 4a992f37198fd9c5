package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const files = "local-files"

// bucketFunctions are Door, which may put files in and fetch them; Desk, which may do everything; Nosy, which may do
// nothing.
var bucketFunctions = []functionPlan{
	{id: "Door", role: role{id: "DoorRole", statements: []statement{
		{actions: []string{"s3:PutObject", "s3:GetObject"}, resources: []string{bucketARN(files) + "/in/*"}},
	}}},
	{id: "Desk", role: role{id: "DeskRole", statements: []statement{{actions: []string{"s3:*"}, resources: []string{bucketARN(files), bucketARN(files) + "/*"}}}}},
	{id: "Nosy", role: role{id: "NosyRole"}},
}

func filesBucket() bucketPlan {
	b := bucketPlan{id: "Files", name: files}
	b.VersioningConfiguration = &struct{ Status string }{"Enabled"}
	return b
}

// stand is the S3 engine behind its guard.
type stand struct {
	address string
	guard   *guard
	objects *objects
	put     func(context.Context, objectVersion) // hears of what is put; nil: nobody does
	complaints
}

func startStand(t testing.TB, folder string, buckets ...bucketPlan) *stand {
	t.Helper()
	s := &stand{}
	s.guard = newGuard(bucketFunctions, s.add)
	var err error
	keys := slices.Collect(maps.Keys(s.guard.functions))
	if s.objects, err = startObjects(t.Context(), newChildren(), folder, keys, func(string) {}, s.add); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.objects.close)
	if err := s.objects.provision(t.Context(), buckets); err != nil {
		t.Fatal(err)
	}
	h, err := s.guard.beforeObjects(s.objects.endpoint, func(ctx context.Context, o objectVersion) {
		if s.put != nil {
			s.put(ctx, o)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(h)
	t.Cleanup(door.Close)
	s.address = door.URL
	return s
}

// as is S3 as a function has it.
func (s *stand) as(function string) *s3.Client {
	key := accessKey(function)
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: &s.address, RetryMaxAttempts: 1,
		Credentials:                credentials.NewStaticCredentialsProvider(key, secretKey, sessionToken(key)),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	})
}

func put(t testing.TB, c *s3.Client, key, content string) (version string) {
	t.Helper()
	out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(files), Key: &key, Body: strings.NewReader(content), ContentType: aws.String("text/plain")})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// content is an object's, or the name of the error.
func content(t testing.TB, c *s3.Client, key, version string) string {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: aws.String(files), Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := c.GetObject(t.Context(), in)
	if err != nil {
		return errorCode(err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func errorCode(err error) string {
	var said interface{ ErrorCode() string }
	if err == nil || !errors.As(err, &said) {
		return fmt.Sprint(err)
	}
	return said.ErrorCode()
}

func TestAnObjectIsKeptInAllItsVersions(t *testing.T) {
	t.Parallel()
	s := startStand(t, filepath.Join(t.TempDir(), "objects"), filesBucket())
	c := s.as("Desk")
	const key = "in/a b+ü%2F.csv"
	first, second := put(t, c, key, "first"), put(t, c, key, "second")
	if first == "" || first == second {
		t.Fatalf("the versions are %q and %q", first, second)
	}
	if got := content(t, c, key, ""); got != "second" {
		t.Errorf("the newest is %q", got)
	}
	if got := content(t, c, key, first); got != "first" {
		t.Errorf("the first is %q", got)
	}
	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(files), Key: aws.String(key)})
	if err != nil || aws.ToInt64(head.ContentLength) != 6 || aws.ToString(head.VersionId) != second || aws.ToString(head.ContentType) != "text/plain" {
		t.Errorf("its head is %+v, %v", head, err)
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(files), Key: aws.String(key)}); err != nil {
		t.Fatal(err)
	}
	if got := content(t, c, key, ""); got != "NoSuchKey" {
		t.Errorf("after it was deleted it is %q", got)
	}
	for _, version := range []string{first, second} {
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(files), Key: aws.String(key), VersionId: &version}); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := c.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(files), Prefix: aws.String("in/")})
	if err != nil || len(versions.Versions) != 0 || len(versions.DeleteMarkers) != 1 {
		t.Errorf("left are %+v, %v, want a marker that it was deleted", versions, err)
	}
	if all := s.guard.all(); len(all) > 0 {
		t.Errorf("refused were %+v", all)
	}
}

// The body is sent as an SDK does by default: in chunks, with a checksum after them.
func TestALargeObjectStreamsThrough(t *testing.T) {
	t.Parallel()
	s := startStand(t, filepath.Join(t.TempDir(), "objects"), filesBucket())
	c := s.as("Door")
	sent := make([]byte, 64<<20)
	_, _ = rand.Read(sent)
	out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(files), Key: aws.String("in/large"), Body: bytes.NewReader(sent)})
	if err != nil || out.ChecksumCRC32 == nil {
		t.Fatalf("put: %+v, %v", out, err)
	}
	if got := content(t, c, "in/large", ""); got != string(sent) {
		t.Errorf("it came back as %d other bytes", len(got))
	}
	part, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(files), Key: aws.String("in/large"), Range: aws.String("bytes=1000-1999")})
	if err != nil {
		t.Fatal(err)
	}
	defer part.Body.Close()
	if got, err := io.ReadAll(part.Body); err != nil || !bytes.Equal(got, sent[1000:2000]) {
		t.Errorf("a part of it came back as %d other bytes, %v", len(got), err)
	}
}

func TestARequestToS3NeedsWhatItTouches(t *testing.T) {
	t.Parallel()
	const object = "arn:aws:s3:::b/k/l"
	for _, tt := range []struct{ request, action, resource string }{
		{"GET /b/k/l?x-id=GetObject", "s3:GetObject", object},
		{"GET /b/k/l?response-content-disposition=attachment", "s3:GetObject", object},
		{"GET /b/k%2Fl", "s3:GetObject", object},
		{"GET /b/k/l?versionId=1", "s3:GetObjectVersion", object},
		{"HEAD /b/k/l", "s3:GetObject", object},
		{"HEAD /b/k/l?versionId=1", "s3:GetObjectVersion", object},
		{"PUT /b/k/l", "s3:PutObject", object},
		{"DELETE /b/k/l", "s3:DeleteObject", object},
		{"DELETE /b/k/l?versionId=1", "s3:DeleteObjectVersion", object},
		{"POST /b/k/l?uploads", "s3:PutObject", object},
		{"PUT /b/k/l?partNumber=1&uploadId=1", "s3:PutObject", object},
		{"POST /b/k/l?uploadId=1", "s3:PutObject", object},
		{"GET /b/k/l?uploadId=1", "s3:ListMultipartUploadParts", object},
		{"DELETE /b/k/l?uploadId=1", "s3:AbortMultipartUpload", object},
		{"GET /b?list-type=2&prefix=k", "s3:ListBucket", "arn:aws:s3:::b"},
		{"GET /b/?list-type=2", "s3:ListBucket", "arn:aws:s3:::b"},
		{"HEAD /b", "s3:ListBucket", "arn:aws:s3:::b"},
		{"GET /b?versions&prefix=k", "s3:ListBucketVersions", "arn:aws:s3:::b"},
		{"GET /b?uploads", "s3:ListBucketMultipartUploads", "arn:aws:s3:::b"},

		{"GET /b/k/l?acl", "", "NotImplemented: the local runner cannot judge GET key?acl"},
		{"PUT /b", "", "NotImplemented: the local runner cannot judge PUT bucket"},
		{"PUT /b?policy", "", "NotImplemented: the local runner cannot judge PUT bucket?policy"},
		{"POST /b?delete", "", "NotImplemented: the local runner cannot judge POST bucket?delete"},
		{"GET /", "", "NotImplemented: the local runner cannot judge GET no bucket"},
		{"PATCH /create-user", "", "NotImplemented: the local runner cannot judge PATCH bucket"},
		{"GET /b/k/../l", "", "NotImplemented: the local runner cannot judge a key with a part that is empty, . or .."},
		{"GET /b/k//l", "", "NotImplemented: the local runner cannot judge a key with a part that is empty, . or .."},
		{"PUT /b/k/l X-Amz-Copy-Source", "", "NotImplemented: the local runner cannot judge PUT key with X-Amz-Copy-Source"},
		{"PUT /b/k/l X-Amz-Tagging", "", "NotImplemented: the local runner cannot judge PUT key with X-Amz-Tagging"},
		{"PUT /b/k/l X-Amz-Grant-Read", "", "NotImplemented: the local runner cannot judge PUT key with X-Amz-Grant-Read"},
		{"PUT /b/k/l X-Amz-Object-Lock-Mode", "", "NotImplemented: the local runner cannot judge PUT key with X-Amz-Object-Lock-Mode"},
		{"GET /b/k/l?X-Amz-Credential=ASIALOCALDESK%2F2026", "", "InvalidArgument: Only one auth mechanism allowed"},
	} {
		t.Run(tt.request, func(t *testing.T) {
			t.Parallel()
			method, at, _ := strings.Cut(tt.request, " ")
			at, header, _ := strings.Cut(at, " ")
			r := httptest.NewRequest(method, at, nil)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ASIALOCALDOOR/2026")
			if header != "" {
				r.Header.Set(header, "x")
			}
			call, err := readObjectCall(r)
			switch {
			case tt.action == "" && (err == nil || err.Error() != tt.resource):
				t.Errorf("%v, want %s", err, tt.resource)
			case tt.action != "" && (err != nil || call.need != need{tt.action, tt.resource} || call.accessKey != "ASIALOCALDOOR"):
				t.Errorf("%+v, %v", call, err)
			}
		})
	}
}

func TestObjectsAreJudgedByTheRole(t *testing.T) {
	t.Parallel()
	s := startStand(t, filepath.Join(t.TempDir(), "objects"), filesBucket())
	version := put(t, s.as("Door"), "in/1", "one")
	put(t, s.as("Desk"), "elsewhere/1", "one")
	if got := content(t, s.as("Door"), "in/1", ""); got != "one" {
		t.Errorf("what the role allows is %s", got)
	}
	if all := s.guard.all(); len(all) > 0 {
		t.Errorf("refused were %+v", all)
	}
	if got := content(t, s.as("Door"), "elsewhere/1", ""); got != "AccessDenied" {
		t.Errorf("another key is %s", got)
	}
	if got := content(t, s.as("Door"), "in/1", version); got != "AccessDenied" {
		t.Errorf("a version is %s", got)
	}
	if _, err := s.as("Door").DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(files), Key: aws.String("in/1")}); errorCode(err) != "AccessDenied" {
		t.Errorf("deleting it is %v", err)
	}
	if _, err := s.as("Door").HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(files), Key: aws.String("elsewhere/1")}); errorCode(err) != "Forbidden" {
		t.Errorf("the head of another key is %v", err)
	}
	if got := content(t, s.as("Nosy"), "in/1", ""); got != "AccessDenied" {
		t.Errorf("another function's is %s", got)
	}
	if got := content(t, s.as("Nobody"), "in/1", ""); got != "InvalidAccessKeyId" {
		t.Errorf("nobody's is %s", got)
	}
	want := []refusal{
		{refused{"Door", "s3:DeleteObject", bucketARN(files) + "/in/1"}, 1},
		{refused{"Door", "s3:GetObject", bucketARN(files) + "/elsewhere/1"}, 2},
		{refused{"Door", "s3:GetObjectVersion", bucketARN(files) + "/in/1"}, 1},
		{refused{"Nosy", "s3:GetObject", bucketARN(files) + "/in/1"}, 1},
	}
	if got := s.guard.all(); !slices.Equal(got, want) {
		t.Errorf("refused were %+v, want %+v", got, want)
	}

	for name, provider := range map[string]credentials.StaticCredentialsProvider{
		"SignatureDoesNotMatch": credentials.NewStaticCredentialsProvider(accessKey("Door"), "guessed", sessionToken(accessKey("Door"))),
		"InvalidToken":          credentials.NewStaticCredentialsProvider(accessKey("Door"), secretKey, ""),
	} {
		c := s3.New(s3.Options{Region: region, BaseEndpoint: &s.address, RetryMaxAttempts: 1, Credentials: provider})
		if got := content(t, c, "in/1", ""); got != name {
			t.Errorf("got %s, want %s", got, name)
		}
	}
	if code, _, body := fetch(t, s.address+"/"+files+"/in/1"); code != 403 || !strings.Contains(body, "<Code>AccessDenied</Code>") {
		t.Errorf("unsigned it is %d %s", code, body)
	}
}

// What is not there is access denied to whoever may not list the bucket.
func TestOnlyWhoMayListLearnsThatAKeyIsMissing(t *testing.T) {
	t.Parallel()
	s := startStand(t, filepath.Join(t.TempDir(), "objects"), filesBucket())
	if got := content(t, s.as("Desk"), "in/1", ""); got != "NoSuchKey" {
		t.Errorf("to Desk it is %s", got)
	}
	if got := content(t, s.as("Door"), "in/1", ""); got != "AccessDenied" {
		t.Errorf("to Door it is %s", got)
	}
	head := &s3.HeadObjectInput{Bucket: aws.String(files), Key: aws.String("in/1")}
	if _, err := s.as("Desk").HeadObject(t.Context(), head); errorCode(err) != "NotFound" {
		t.Errorf("to Desk its head is %v", err)
	}
	if _, err := s.as("Door").HeadObject(t.Context(), head); errorCode(err) != "Forbidden" {
		t.Errorf("to Door its head is %v", err)
	}
	if want := []refusal{{refused{"Door", "s3:ListBucket", bucketARN(files)}, 2}}; !slices.Equal(s.guard.all(), want) {
		t.Errorf("refused were %+v, want %+v", s.guard.all(), want)
	}
}

// staying follows no redirect, so that one sees where it is sent.
var staying = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func fetch(t testing.TB, address string) (code int, h http.Header, body string) {
	t.Helper()
	r, err := staying.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	return answered(t, r)
}

func answered(t testing.TB, r *http.Response) (code int, h http.Header, body string) {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header, string(b)
}

// signedURL is what a function signed at a time, for a minute.
func (s *stand) signedURL(t testing.TB, function, key string, at time.Time) string {
	t.Helper()
	r, err := http.NewRequest("GET", s.address+"/"+files+"/"+key+"?X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := aws.Credentials{AccessKeyID: accessKey(function), SecretAccessKey: secretKey, SessionToken: sessionToken(accessKey(function))}
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), c, r, "UNSIGNED-PAYLOAD", "s3", region, at, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestAURLIsGoodForWhatAFunctionSigned(t *testing.T) {
	t.Parallel()
	s := startStand(t, filepath.Join(t.TempDir(), "objects"), filesBucket())
	put(t, s.as("Desk"), "in/1", "one")
	put(t, s.as("Desk"), "in/2", "two")
	bySDK, err := s3.NewPresignClient(s.as("Door")).PresignGetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String(files), Key: aws.String("in/1"), ResponseContentDisposition: aws.String(`attachment; filename="a.csv"`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, h, body := fetch(t, bySDK.URL); code != 200 || body != "one" || h.Get("Content-Disposition") != `attachment; filename="a.csv"` {
		t.Errorf("what an SDK signed is %d %v %s", code, h, body)
	}
	good := s.signedURL(t, "Door", "in/1", time.Now())
	for _, tt := range []struct {
		name, url string
		code      int
		says      string
	}{
		{"right", good, 200, "one"},
		{"for another key", strings.Replace(good, "in/1", "in/2", 1), 403, "SignatureDoesNotMatch"},
		{"for longer", strings.Replace(good, "Expires=60", "Expires=600", 1), 403, "SignatureDoesNotMatch"},
		{"forged", good[:len(good)-64] + strings.Repeat("0", 64), 403, "SignatureDoesNotMatch"},
		{"without the session token", strings.Replace(good, "X-Amz-Security-Token="+sessionToken(accessKey("Door"))+"&", "", 1), 400, "InvalidToken"},
		{"expired", s.signedURL(t, "Door", "in/1", time.Now().Add(-2*time.Minute)), 403, "<Code>AccessDenied</Code>"},
		{"by a function that may not", s.signedURL(t, "Nosy", "in/1", time.Now()), 403, "because no identity-based policy allows the s3:GetObject action"},
		{"by nobody", s.signedURL(t, "Nobody", "in/1", time.Now()), 403, "InvalidAccessKeyId"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if code, _, body := fetch(t, tt.url); code != tt.code || !strings.Contains(body, tt.says) {
				t.Errorf("%d %s, want %d %s", code, body, tt.code, tt.says)
			}
		})
	}
}

// form is one that a browser sends, as a function signed it.
type form struct {
	fields map[string]string
	file   string
}

// signedForm takes a file of one to ten bytes at in/1, and is sent back with 303, unless conditions say otherwise.
func signedForm(t testing.TB, function string, expires time.Time, conditions ...any) form {
	t.Helper()
	now := time.Now().UTC()
	key := accessKey(function)
	f := form{file: "12345", fields: map[string]string{
		"key": "in/1", "Content-Type": "text/csv", "success_action_redirect": "https://door.example/done?slot=7",
		"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-date": now.Format("20060102T150405Z"), "x-amz-security-token": sessionToken(key),
		"x-amz-credential": key + now.Format("/20060102/") + region + "/s3/aws4_request",
	}}
	conditions = append(conditions, map[string]string{"bucket": files}, []any{"content-length-range", 1, 10})
	for name, value := range f.fields {
		conditions = append(conditions, map[string]string{name: value})
	}
	policy, err := json.Marshal(map[string]any{"expiration": expires.UTC().Format("2006-01-02T15:04:05.000Z"), "conditions": conditions})
	if err != nil {
		t.Fatal(err)
	}
	f.sign(t, function, policy)
	return f
}

func (f form) sign(t testing.TB, function string, policy []byte) {
	t.Helper()
	key := accessKey(function)
	signing, _, err := callers{keys: []string{key}}.DeriveSigningKey(key, sessionToken(key), f.fields["x-amz-date"][:8], region, "s3")
	if err != nil {
		t.Fatal(err)
	}
	f.fields["policy"] = base64.StdEncoding.EncodeToString(policy)
	h := hmac.New(sha256.New, signing)
	h.Write([]byte(f.fields["policy"]))
	f.fields["x-amz-signature"] = hex.EncodeToString(h.Sum(nil))
}

func (f form) with(changes ...string) form {
	out := form{fields: maps.Clone(f.fields), file: f.file}
	for i := 0; i < len(changes); i += 2 {
		if changes[i] == "file" {
			out.file = changes[i+1]
		} else if out.fields[changes[i]] = changes[i+1]; changes[i+1] == "" {
			delete(out.fields, changes[i])
		}
	}
	return out
}

// newForm writes a form as a browser does, and says of which type that is.
func newForm(t testing.TB, b *bytes.Buffer, f form) (contentType string) {
	t.Helper()
	w := multipart.NewWriter(b)
	for _, name := range slices.Sorted(maps.Keys(f.fields)) {
		if err := w.WriteField(name, f.fields[name]); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("file", "list of ours.csv")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(file, f.file)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType()
}

func (f form) send(t testing.TB, address string) (code int, h http.Header, body string) {
	t.Helper()
	var b bytes.Buffer
	kind := newForm(t, &b, f)
	r, err := staying.Post(address, kind, &b)
	if err != nil {
		t.Fatal(err)
	}
	return answered(t, r)
}

func TestAFormTakesWhatAFunctionSigned(t *testing.T) {
	t.Parallel()
	s := startStand(t, filepath.Join(t.TempDir(), "objects"), filesBucket())
	address := s.address + "/" + files
	soon := time.Now().Add(time.Minute)
	good := signedForm(t, "Door", soon)
	code, h, body := good.send(t, address)
	sentTo, err := url.Parse(h.Get("Location"))
	if err != nil || code != 303 || body != "" {
		t.Fatalf("answered %d %v %s", code, h, body)
	}
	if q := sentTo.Query(); sentTo.Host != "door.example" || q.Get("slot") != "7" || q.Get("bucket") != files || q.Get("key") != "in/1" || len(q.Get("etag")) != 34 {
		t.Errorf("sent to %s", sentTo)
	}
	head, err := s.as("Door").HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(files), Key: aws.String("in/1")})
	if err != nil || aws.ToString(head.ContentType) != "text/csv" || aws.ToInt64(head.ContentLength) != 5 || aws.ToString(head.VersionId) == "" {
		t.Errorf("kept was %+v, %v", head, err)
	}

	bySDK, err := s3.NewPresignClient(s.as("Door")).PresignPostObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(files), Key: aws.String("in/sdk")}, func(o *s3.PresignPostOptions) {
		o.Conditions = []any{[]any{"content-length-range", 1, 10}, []any{"eq", "$success_action_status", "201"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if bySDK.URL != address {
		t.Errorf("an SDK sends it to %s, want %s", bySDK.URL, address)
	}
	var kept struct{ Bucket, Key string }
	code, _, body = form{bySDK.Values, "1"}.with("success_action_status", "201").send(t, bySDK.URL)
	if err := xml.Unmarshal([]byte(body), &kept); err != nil || code != 201 || kept.Bucket != files || kept.Key != "in/sdk" {
		t.Errorf("what an SDK signed is answered %d %s", code, body)
	}

	altered := good.with()
	altered.fields["policy"] = base64.StdEncoding.EncodeToString([]byte(`{"expiration":"2100-01-01T00:00:00.000Z","conditions":[]}`))
	uncovered := good.with("x-amz-security-token", sessionToken(accessKey("Desk")))
	for _, tt := range []struct {
		name string
		form form
		code int
		says string
	}{
		{"one byte too many", good.with("file", "12345678901"), 400, "EntityTooLarge"},
		{"nothing", good.with("file", ""), 400, "EntityTooSmall"},
		{"for another key", good.with("key", "in/2"), 403, "AccessDenied"},
		{"of another type", good.with("Content-Type", "text/html"), 403, "AccessDenied"},
		{"sent back elsewhere", good.with("success_action_redirect", "https://elsewhere.example"), 403, "AccessDenied"},
		{"with a field that was not signed", good.with("Cache-Control", "max-age=1"), 403, "AccessDenied"},
		{"expired", signedForm(t, "Door", time.Now().Add(-time.Second)), 403, "AccessDenied"},
		{"with another policy", altered, 403, "SignatureDoesNotMatch"},
		{"forged", good.with("x-amz-signature", strings.Repeat("0", 64)), 403, "SignatureDoesNotMatch"},
		{"without a signature", good.with("x-amz-signature", ""), 400, "InvalidArgument"},
		{"without the session token", good.with("x-amz-security-token", ""), 400, "InvalidToken"},
		{"with another session token", uncovered, 400, "InvalidToken"},
		{"signed by nobody", good.with("x-amz-credential", "", "x-amz-signature", "", "policy", "", "x-amz-algorithm", "", "x-amz-date", ""), 403, "AccessDenied"},
		{"signed by a function that may not", signedForm(t, "Nosy", soon), 403, "because no identity-based policy allows the s3:PutObject action"},
		{"with a tag", good.with("tagging", "<Tagging/>"), 501, "cannot judge a form with tagging"},
		{"with a key that is the name of the file", good.with("key", "in/${filename}"), 501, "cannot judge a form whose key is the name of its file"},
		{"without a key", good.with("key", ""), 400, "InvalidArgument"},
		{"with more than fields before the file", good.with("x-ignore-much", strings.Repeat("x", formLimit)), 400, "MalformedPOSTRequest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if code, _, body := tt.form.send(t, address); code != tt.code || !strings.Contains(body, tt.says) {
				t.Errorf("%d %s, want %d %s", code, body, tt.code, tt.says)
			}
		})
	}
	listed, err := s.as("Desk").ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(files)})
	if err != nil || len(listed.Versions) != 2 {
		t.Errorf("kept are %d objects, %v, want two", len(listed.Versions), err)
	}
}

func TestABrowserMayReadWhereTheTemplateSaysSo(t *testing.T) {
	t.Parallel()
	open := bucketPlan{id: "Open", name: "local-open"}
	open.CorsConfiguration.CorsRules = []corsRule{{AllowedOrigins: []string{"https://door.example"}, AllowedMethods: []string{"GET"}, AllowedHeaders: []string{"*"}}}
	s := startStand(t, filepath.Join(t.TempDir(), "objects"), open, filesBucket())
	ask := func(bucket, origin string) http.Header {
		r, err := http.NewRequest("OPTIONS", s.address+"/"+bucket+"/in/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "GET")
		answer, err := staying.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, h, _ := answered(t, answer)
		return h
	}
	if got := ask("local-open", "https://door.example").Get("Access-Control-Allow-Origin"); got != "https://door.example" {
		t.Errorf("the door is allowed as %q", got)
	}
	for bucket, origin := range map[string]string{"local-open": "https://elsewhere.example", files: "https://door.example"} {
		if got := ask(bucket, origin).Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s is allowed at %s as %q", origin, bucket, got)
		}
	}
}

func TestObjectsOutliveTheEngine(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "objects")
	s := startStand(t, folder, filesBucket())
	first, second := put(t, s.as("Desk"), "in/1", "first"), put(t, s.as("Desk"), "in/1", "second")
	pid := s.objects.process.pid()
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	same := func(s *stand) {
		t.Helper()
		eventually(t, func() bool { return content(t, s.as("Desk"), "in/1", "") == "second" }, "the newest version is not back")
		if a, b := content(t, s.as("Desk"), "in/1", first), content(t, s.as("Desk"), "in/1", second); a != "first" || b != "second" {
			t.Errorf("the versions are %q and %q", a, b)
		}
	}
	same(s)
	again := s.objects.process.pid()
	if again == pid || alive(pid) {
		t.Errorf("the process was %d and is %d", pid, again)
	}
	s.objects.close()
	if alive(again) {
		t.Error("the process outlives its end")
	}
	same(startStand(t, folder, filesBucket()))
}

// BenchmarkAnObject is a file of 100 KB on its way through the guard.
func BenchmarkAnObject(b *testing.B) {
	s := startStand(b, filepath.Join(b.TempDir(), "objects"), filesBucket())
	c := s.as("Desk")
	sent := strings.Repeat("0123456789", 10<<10)
	put(b, c, "in/0", sent)
	var next atomic.Int64
	for _, tt := range []struct {
		name string
		do   func()
	}{
		{"put", func() { put(b, c, fmt.Sprintf("in/%d", next.Add(1)), sent) }},
		{"get", func() {
			if got := content(b, c, "in/0", ""); len(got) != len(sent) {
				b.Errorf("%d bytes came back", len(got))
			}
		}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.SetBytes(int64(len(sent)))
			for b.Loop() {
				tt.do()
			}
		})
		b.Run(tt.name+"/eight at a time", func(b *testing.B) {
			b.SetBytes(int64(len(sent)))
			b.SetParallelism(max(8/runtime.GOMAXPROCS(0), 1))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					tt.do()
				}
			})
		})
	}
}
