// Command door writes an item for each request, or keeps a file and answers with an address for it, or has a file looked
// into again.
package main

import (
	"context"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// again asks for a malware scan of a file, and is told the status of the answer.
func again(ctx context.Context, key string) (status int, err error) {
	body := `{"s3Object":{"bucket":"` + os.Getenv("FILES") + `","key":"` + key + `"}}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("AWS_ENDPOINT_URL_GUARDDUTY")+"/object-malware-scan/send", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+os.Getenv("AWS_ACCESS_KEY_ID")+"/unsigned")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

func main() {
	own := credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))
	db := dynamodb.New(dynamodb.Options{
		Region:       os.Getenv("AWS_REGION"),
		Credentials:  own,
		BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")),
	})
	files := s3.New(s3.Options{
		Region:       os.Getenv("AWS_REGION"),
		Credentials:  own,
		BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_S3")),
	})
	lambda.Start(func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if key := e.PathParameters["key"]; key != "" {
			if _, err := files.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(os.Getenv("FILES")), Key: &key, Body: strings.NewReader(e.Body)}); err != nil {
				return events.APIGatewayV2HTTPResponse{}, err
			}
			signed, err := s3.NewPresignClient(files).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(os.Getenv("FILES")), Key: &key})
			if err != nil {
				return events.APIGatewayV2HTTPResponse{}, err
			}
			return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: signed.URL}, nil
		}
		if key := e.PathParameters["scanned"]; key != "" {
			status, err := again(ctx, key)
			return events.APIGatewayV2HTTPResponse{StatusCode: status}, err
		}
		_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(os.Getenv("TABLE")), Item: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: e.PathParameters["pk"]},
			"SK": &types.AttributeValueMemberS{Value: e.Body},
		}})
		return events.APIGatewayV2HTTPResponse{StatusCode: 201}, err
	})
}
