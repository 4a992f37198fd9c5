package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	h, err := s.guard.beforeObjects(s.objects.endpoint)
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
