// Command door writes an item for each request, or keeps a file and answers with an address for it.
package main

import (
	"context"
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
		_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(os.Getenv("TABLE")), Item: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: e.PathParameters["pk"]},
			"SK": &types.AttributeValueMemberS{Value: e.Body},
		}})
		return events.APIGatewayV2HTTPResponse{StatusCode: 201}, err
	})
}
