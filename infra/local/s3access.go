package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/versity/versitygw/s3api/utils"
)

// beforeObjects is the guard before S3. A browser may call too, with what a function has signed: then it is that
// function's role that is judged, as AWS does. Requests go on as they came, so that the engine checks the signature. Of
// an object that was put, put hears before the caller does.
func (g *guard) beforeObjects(engine string, put func(context.Context, objectVersion)) (http.Handler, error) {
	target, err := url.Parse(engine)
	if err != nil {
		return nil, fmt.Errorf("read endpoint: %w", err)
	}
	next := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute, DisableCompression: true, ExpectContinueTimeout: time.Second},
		ModifyResponse: func(r *http.Response) error {
			if call, ok := r.Request.Context().Value(judgedCall{}).(objectCall); ok && call.puts && r.StatusCode < http.StatusBadRequest {
				put(r.Request.Context(), objectVersion{call.bucket, call.object, r.Header.Get("X-Amz-Version-Id")})
			}
			return g.hideWhatIsMissing(r)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if !errors.Is(err, context.Canceled) {
				g.complain("the S3 engine does not answer: %v", err)
			}
			if call, ok := r.Context().Value(judgedCall{}).(objectCall); ok && call.puts { // it may be there all the same
				put(r.Context(), objectVersion{Bucket: call.bucket, Key: call.object})
			}
			objectError{http.StatusServiceUnavailable, "ServiceUnavailable", "the S3 engine does not answer"}.answer(w, r)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && r.Header.Get("Origin") != "" {
			next.ServeHTTP(w, r) // a browser asks whether it may ask: nobody signs that
			return
		}
		call, err := readObjectCall(r)
		var why objectError
		switch {
		case errors.As(err, &why):
			why.answer(w, r)
			return
		case err != nil:
			return // the caller is gone
		}
		var known bool
		if call.function, known = g.functions[call.accessKey]; !known {
			objectError{http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."}.answer(w, r)
			return
		}
		if why := g.judge(call.function, []need{call.need}); why != "" {
			objectError{http.StatusForbidden, "AccessDenied", why}.answer(w, r)
			return
		}
		ctx := r.Context()
		if call.puts { // it is done once it has come in whole, also for a caller who has gone meanwhile
			var end context.CancelFunc
			ctx, end = context.WithCancel(context.WithoutCancel(ctx))
			defer end()
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, judgedCall{}, call)))
	}), nil
}

// judgedCall is where the context of a request that goes on to the engine has its objectCall.
type judgedCall struct{}

// objectCall is what of a request to S3 is judged.
type objectCall struct {
	accessKey string
	function  functionPlan // whose access key it is
	bucket    string
	object    string // key of the object; empty: the bucket itself
	puts      bool   // an object is there if this succeeds: not so if it is a part of one
	need      need
}

// hideWhatIsMissing turns "no such key" into "access denied" where the caller may not list the bucket: that something
// is not there is known only to those who may know what is.
func (g *guard) hideWhatIsMissing(r *http.Response) error {
	call, ok := r.Request.Context().Value(judgedCall{}).(objectCall)
	if !ok || r.StatusCode != http.StatusNotFound || call.need.action != "s3:GetObject" {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		return err
	}
	r.Body.Close()
	var said struct{ Code string }
	_ = xml.Unmarshal(body, &said) // a HEAD is answered with nothing
	if said.Code == "NoSuchKey" || said.Code == "" {
		if why := g.judge(call.function, []need{{"s3:ListBucket", bucketARN(call.bucket)}}); why != "" {
			denied := objectError{http.StatusForbidden, "AccessDenied", why}
			r.Status, r.StatusCode, r.Header, body = "", denied.code, http.Header{"Content-Type": {"application/xml"}}, denied.body()
			if r.Request.Method == http.MethodHead {
				body = nil
			}
			r.ContentLength = int64(len(body))
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// readObjectCall finds out who asks for what. An objectError is what cannot be judged and so is refused.
func readObjectCall(r *http.Request) (objectCall, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return objectCall{}, objectError{http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI."}
	}
	var c objectCall
	c.bucket, c.object, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	keys := []string{callerKey(r.Header.Get("Authorization"))}
	signed, _, _ := strings.Cut(query.Get("X-Amz-Credential"), "/")
	keys = append(keys, signed)
	if form := r.Method == http.MethodPost && c.object == "" && len(query) == 0; form {
		fields, err := formFields(r)
		if err != nil {
			return c, err
		}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if isUnjudged(name) {
				return c, unjudged("a form with " + name)
			}
		}
		if strings.Contains(fields["key"], "${filename}") {
			return c, unjudged("a form whose key is the name of its file")
		}
		signed, _, _ := strings.Cut(fields["x-amz-credential"], "/")
		keys = append(keys, signed)
		c.object, c.puts, c.need.action = fields["key"], true, "s3:PutObject"
	} else if c.need.action, err = objectAction(r, c.object != "", query); err != nil {
		return c, err
	} else if c.need.action == "s3:PutObject" {
		c.puts = query.Has("uploadId") == (r.Method == http.MethodPost) && !query.Has("uploads")
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "" })
	switch len(keys) {
	case 0:
		return c, objectError{http.StatusForbidden, "AccessDenied", "Access Denied: nobody has signed this request"}
	case 1:
		c.accessKey = keys[0]
	default:
		return c, objectError{http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed"}
	}
	c.need.resource = bucketARN(c.bucket)
	if c.object != "" {
		for part := range strings.SplitSeq(strings.TrimSuffix(c.object, "/"), "/") {
			if part == "" || part == "." || part == ".." { // the engine would read it as another key
				return c, unjudged("a key with a part that is empty, . or ..")
			}
		}
		c.need.resource += "/" + c.object
	}
	return c, nil
}

// objectActions are by method, bucket or key, and the parameter that makes it another operation.
var objectActions = map[string]string{
	"GET bucket":           "s3:ListBucket",
	"HEAD bucket":          "s3:ListBucket",
	"GET bucket?versions":  "s3:ListBucketVersions",
	"GET bucket?uploads":   "s3:ListBucketMultipartUploads",
	"GET key":              "s3:GetObject",
	"HEAD key":             "s3:GetObject",
	"GET key?versionId":    "s3:GetObjectVersion",
	"HEAD key?versionId":   "s3:GetObjectVersion",
	"PUT key":              "s3:PutObject",
	"DELETE key":           "s3:DeleteObject",
	"DELETE key?versionId": "s3:DeleteObjectVersion",
	"POST key?uploads":     "s3:PutObject", // an upload in parts
	"PUT key?uploadId":     "s3:PutObject",
	"POST key?uploadId":    "s3:PutObject",
	"GET key?uploadId":     "s3:ListMultipartUploadParts",
	"DELETE key?uploadId":  "s3:AbortMultipartUpload",
}

// plainParameters make no other operation of a request.
var plainParameters = []string{
	"list-type", "prefix", "delimiter", "max-keys", "start-after", "continuation-token", "encoding-type", "fetch-owner", "marker",
	"key-marker", "version-id-marker", "upload-id-marker", "max-uploads", "partNumber", "part-number-marker", "max-parts", "x-id",
	"response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type", "response-expires",
}

func objectAction(r *http.Request, onKey bool, query url.Values) (string, error) {
	operation := r.Method + " bucket"
	switch {
	case onKey:
		operation = r.Method + " key"
	case strings.Trim(r.URL.Path, "/") == "":
		operation = r.Method + " no bucket"
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(plainParameters, name) && !strings.HasPrefix(name, "X-Amz-") {
			operation += "?" + name
		}
	}
	action, known := objectActions[operation]
	if !known {
		return "", unjudged(operation)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if isUnjudged(strings.ToLower(name)) {
			return "", unjudged(operation + " with " + name)
		}
	}
	return action, nil
}

// isUnjudged tells a header, or a field of a form, that needs more than the action itself.
func isUnjudged(name string) bool {
	return slices.Contains([]string{
		"acl", "tagging", "x-amz-acl", "x-amz-tagging", "x-amz-copy-source", "x-amz-bypass-governance-retention", "x-amz-website-redirect-location",
	}, name) || strings.HasPrefix(name, "x-amz-grant-") || strings.HasPrefix(name, "x-amz-object-lock-")
}

// formLimit is how much may stand before the file of a form.
const formLimit = 1 << 16

// formFields are the fields of a form before its file, by names in lower case, read as the engine will read them. The
// request's body is whole again afterwards.
func formFields(r *http.Request) (map[string]string, error) {
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, objectError{http.StatusPreconditionFailed, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data"}
	}
	if r.ContentLength < 0 {
		return nil, objectError{http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header."}
	}
	var read bytes.Buffer
	malformed := objectError{http.StatusBadRequest, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."}
	parser, err := utils.NewMultipartParser(io.TeeReader(io.LimitReader(r.Body, formLimit), &read), parameters["boundary"], r.ContentLength)
	if err != nil {
		return nil, malformed
	}
	form, err := parser.Parse()
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case err != nil:
		return nil, malformed
	case form.Fields["key"] == "":
		return nil, objectError{http.StatusBadRequest, "InvalidArgument", "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&read, r.Body), r.Body}
	return form.Fields, nil
}

// objectError is an error of S3.
type objectError struct {
	code       int
	name, text string
}

func (e objectError) Error() string { return e.name + ": " + e.text }

func unjudged(what string) error {
	return objectError{http.StatusNotImplemented, "NotImplemented", "the local runner cannot judge " + what}
}

func (e objectError) body() []byte {
	b, err := xml.Marshal(struct {
		XMLName                  xml.Name `xml:"Error"`
		Code, Message, RequestId string
	}{Code: e.name, Message: e.text, RequestId: newUUID()})
	if err != nil {
		return nil
	}
	return append([]byte(xml.Header), b...)
}

func (e objectError) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(e.body())
	}
}
