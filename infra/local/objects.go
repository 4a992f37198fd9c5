package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// objectsCommand makes this binary the S3 engine: objectsCommand address folder key… It needs a process of its own,
// because it changes the working directory.
const objectsCommand = "keep-objects"

// keepObjects is the S3 engine, until the context ends. It keeps objects as files, and what is known of them in files
// beside, so that any file system will do.
func keepObjects(ctx context.Context, arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("%s address folder key…", objectsCommand)
	}
	address, folder, keys := arguments[0], arguments[1], arguments[2:]
	data, about, versions := filepath.Join(folder, "data"), filepath.Join(folder, "about"), filepath.Join(folder, "versions")
	for _, directory := range []string{data, about, versions} {
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return fmt.Errorf("keep objects: %w", err)
		}
	}
	sidecar, err := meta.NewSideCar(about)
	if err != nil {
		return fmt.Errorf("keep objects: %w", err)
	}
	backend, err := posix.New(data, sidecar, posix.PosixOpts{
		VersioningDir: versions, SideCarDir: about, CopyObjectThreshold: 5 << 30,
	})
	if err != nil {
		return fmt.Errorf("keep objects: %w", err)
	}
	err = embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess: runnerKey, RootUserSecret: secretKey, Region: region, Ports: []string{address},
		MaxConnections: 4096, MaxRequests: 4096, MultipartMaxParts: 10000, KeepAlive: true, Quiet: true,
		IAMService: callers{IAMService: auth.NewIAMServiceSingle(auth.Account{Access: runnerKey, Secret: secretKey, Role: auth.RoleAdmin}), keys: keys},
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// callers are whom the S3 engine knows: each function by its access key and session token. They may do everything
// there: what their roles allow is judged before.
type callers struct {
	auth.IAMService
	keys []string
}

// DeriveSigningKey makes the engine check the session token with each signature. Functions always have one on AWS,
// and a request that is signed without it is refused there.
func (c callers) DeriveSigningKey(access, token, date, region, service string) ([]byte, auth.Account, error) {
	switch {
	case !slices.Contains(c.keys, access):
		return nil, auth.Account{}, auth.ErrNoSuchUser
	case subtle.ConstantTimeCompare([]byte(token), []byte(sessionToken(access))) == 0:
		return nil, auth.Account{}, auth.ErrInvalidSessionToken
	}
	key := []byte("AWS4" + secretKey)
	for _, part := range []string{date, region, service, "aws4_request"} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return key, auth.Account{Access: access, Role: auth.RoleAdmin}, nil
}

// objects is S3: a child process that is started again if it dies.
type objects struct {
	endpoint string
	client   *s3.Client
	process  *kept
}

// startObjects runs the S3 engine with its objects in a folder, for the functions that have these access keys.
func startObjects(ctx context.Context, c *children, folder string, keys []string, log func(string), complain func(string, ...any)) (o *objects, err error) {
	err = onFreeAddress(func(host, port string) (err error) {
		o, err = startObjectsAt(ctx, c, net.JoinHostPort(host, port), folder, keys, log, complain)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start S3 engine: %w", err)
	}
	return o, nil
}

func startObjectsAt(ctx context.Context, c *children, address, folder string, keys []string, log func(string), complain func(string, ...any)) (*objects, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	start := func(ctx context.Context) (*child, error) {
		process, err := c.start(filepath.Dir(folder), []string{"PATH=/usr/bin:/bin"}, log, binary, slices.Concat([]string{objectsCommand, address, folder}, keys)...)
		if err != nil {
			return nil, err
		}
		if err := waitFor(ctx, address, process); err != nil {
			process.kill()
			return nil, err
		}
		return process, nil
	}
	o := &objects{endpoint: "http://" + address}
	o.client = s3.New(s3.Options{
		Region: region, BaseEndpoint: &o.endpoint, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(runnerKey, secretKey, ""),
	})
	o.process, err = keep(ctx, "the S3 engine", start, complain)
	return o, err
}

func (o *objects) close() { o.process.close() }

// provision makes the buckets that are not there yet, and all as the template has them.
func (o *objects) provision(ctx context.Context, buckets []bucketPlan) error {
	for _, b := range buckets {
		if err := o.make(ctx, b); err != nil {
			return fmt.Errorf("make bucket %s: %w", b.id, err)
		}
	}
	return nil
}

func (o *objects) make(ctx context.Context, b bucketPlan) error {
	_, err := o.client.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: &b.name, ObjectOwnership: s3types.ObjectOwnershipBucketOwnerEnforced,
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
	})
	var said smithy.APIError
	if err != nil && (!errors.As(err, &said) || said.ErrorCode() != "BucketAlreadyOwnedByYou") {
		return err
	}
	if v := b.VersioningConfiguration; v != nil {
		if _, err := o.client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket: &b.name, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatus(v.Status)},
		}); err != nil {
			return err
		}
	}
	if len(b.CorsConfiguration.CorsRules) == 0 {
		_, err = o.client.DeleteBucketCors(ctx, &s3.DeleteBucketCorsInput{Bucket: &b.name})
		return err
	}
	var rules []s3types.CORSRule
	for _, r := range b.CorsConfiguration.CorsRules {
		rule := s3types.CORSRule{AllowedOrigins: r.AllowedOrigins, AllowedMethods: r.AllowedMethods, AllowedHeaders: r.AllowedHeaders, ExposeHeaders: r.ExposedHeaders}
		if r.MaxAge != nil {
			rule.MaxAgeSeconds = aws.Int32(int32(*r.MaxAge))
		}
		rules = append(rules, rule)
	}
	_, err = o.client.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: &b.name, CORSConfiguration: &s3types.CORSConfiguration{CORSRules: rules}})
	return err
}
