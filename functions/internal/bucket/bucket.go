// Package bucket keeps files in S3: what people upload goes there straight from their browser, past our functions, and
// what we answer at length comes from there the same way.
//
// A browser may do exactly what we signed, and for minutes only: put one file under one key, no larger than it may be;
// get one answer. What it signs with is the role of the function that signed.
package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

// call is one operation of S3.
type call[In, Out any] func(context.Context, *In, ...func(*s3.Options)) (*Out, error)

// Bucket is a versioned bucket. It holds the operations that it uses one by one, as the table's store does
// (docs/decisions/0007).
type Bucket struct {
	name     string
	versions call[s3.ListObjectVersionsInput, s3.ListObjectVersionsOutput]
	get      call[s3.GetObjectInput, s3.GetObjectOutput]
	put      call[s3.PutObjectInput, s3.PutObjectOutput]
	delete   call[s3.DeleteObjectInput, s3.DeleteObjectOutput]
	post     func(context.Context, *s3.PutObjectInput, ...func(*s3.PresignPostOptions)) (*s3.PresignedPostRequest, error)
	sign     func(context.Context, *s3.GetObjectInput, ...func(*s3.PresignOptions)) (url string, err error)
}

var _ upload.Files = Bucket{}

// Open is a bucket in the account and region that c configures.
func Open(c aws.Config, name string) Bucket {
	client := s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil // an engine of one's own has one host name, not one for each bucket
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		// A file is read while it comes: there is a limit to how long its beginning may take, and none to the whole.
		o.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = 10 * time.Second })
	})
	presign := s3.NewPresignClient(client)
	return Bucket{
		name: name, versions: client.ListObjectVersions, get: client.GetObject, put: client.PutObject, delete: client.DeleteObject,
		post: presign.PresignPostObject,
		sign: func(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.PresignOptions)) (string, error) {
			signed, err := presign.PresignGetObject(ctx, in, options...)
			if err != nil {
				return "", err
			}
			return signed.URL, nil
		},
	}
}

// Find implements upload.Files. That a file is not there is known from the list of versions: asking for the file itself
// would need the same right, and tell less.
func (b Bucket) Find(ctx context.Context, key string) (found []upload.Object, err error) {
	out, err := b.versions(ctx, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &key})
	if err != nil {
		return nil, kind("list versions", err)
	}
	for _, v := range out.Versions {
		if aws.ToString(v.Key) == key {
			found = append(found, upload.Object{Version: aws.ToString(v.VersionId), Size: aws.ToInt64(v.Size)})
		}
	}
	return found, nil
}

// Open implements upload.Files.
func (b Bucket) Open(ctx context.Context, key, version string) (io.ReadCloser, error) {
	out, err := b.get(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, VersionId: &version})
	if err != nil {
		return nil, kind("open file", err)
	}
	return out.Body, nil
}

// Put implements upload.Files.
func (b Bucket) Put(ctx context.Context, key, contentType string, body []byte) error {
	_, err := b.put(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentType: &contentType, Body: bytes.NewReader(body)})
	return kind("put file", err)
}

// Delete implements upload.Files.
func (b Bucket) Delete(ctx context.Context, key, version string) error {
	_, err := b.delete(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key, VersionId: &version})
	if err = kind("delete file", err); errors.Is(err, upload.ErrGone) {
		return nil
	}
	return err
}

// Form is a form that puts one file into the bucket when a browser sends it: as multipart/form-data, with Fields before
// the file, whose field is named "file".
type Form struct {
	Address string
	Origin  string // what a page's policy must let the form go to
	Fields  []Field
}

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// File is one that a browser may put into the bucket.
type File struct {
	Key  string
	Most int64  // bytes; at least one comes
	Kind string // the Content-Type under which it is kept; "": none is asked for
	Back string // the page of ours to which the browser is sent once it is there; "": none, the answer is 204
}

// Form signs a form for a file, good for upload.Lasts.
func (b Bucket) Form(ctx context.Context, file File) (Form, error) {
	fields := map[string]string{}
	for name, value := range map[string]string{"Content-Type": file.Kind, "success_action_redirect": file.Back} {
		if value != "" {
			fields[name] = value
		}
	}
	signed, err := b.post(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &file.Key}, func(o *s3.PresignPostOptions) {
		o.Expires = upload.Lasts
		o.Conditions = []any{[]any{"content-length-range", 1, file.Most}}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			o.Conditions = append(o.Conditions, map[string]string{name: fields[name]})
		}
	})
	if err != nil {
		return Form{}, kind("sign form", err)
	}
	at, err := url.Parse(signed.URL)
	if err != nil {
		return Form{}, fmt.Errorf("sign form: %w", err)
	}
	maps.Copy(signed.Values, fields)
	f := Form{Address: signed.URL, Origin: at.Scheme + "://" + at.Host}
	for _, name := range slices.Sorted(maps.Keys(signed.Values)) {
		f.Fields = append(f.Fields, Field{name, signed.Values[name]})
	}
	return f, nil
}

// Origin is where a Form goes; "" if that cannot be worked out.
func (b Bucket) Origin(ctx context.Context) string {
	f, err := b.Form(ctx, File{Key: "origin", Most: 1})
	if err != nil {
		return ""
	}
	return f.Origin
}

// linkLasts is how long a link to a file is good: as long as a browser takes to follow it.
const linkLasts = time.Minute

// Picture is an address at which the newest version of a file is shown within a page of ours. A page that is shown for
// longer asks for another one.
func (b Bucket) Picture(ctx context.Context, key string) (string, error) {
	link, err := b.sign(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key}, s3.WithPresignExpires(linkLasts))
	return link, kind("sign picture", err)
}

// Link is an address at which the newest version of a file is downloaded under a name.
func (b Bucket) Link(ctx context.Context, key, name string) (string, error) {
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	link, err := b.sign(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, ResponseContentDisposition: &disposition}, s3.WithPresignExpires(linkLasts))
	return link, kind("sign link", err)
}

// kind says what an error of the bucket means.
func kind(operation string, err error) error {
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && slices.Contains([]string{"NoSuchKey", "NoSuchVersion", "MethodNotAllowed"}, api.ErrorCode()) {
		return fmt.Errorf("%s: %w: %w", operation, upload.ErrGone, err)
	}
	if at, ok := errors.AsType[*url.Error](err); ok { // which names the file in its address
		err = at.Err
	}
	return fmt.Errorf("%s: %w: %w", operation, optout.ErrUnavailable, err)
}
