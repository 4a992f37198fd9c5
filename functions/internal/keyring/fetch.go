package keyring

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Fetch reads the keyring out of the secret with this id, in the account and region that c configures.
func Fetch(ctx context.Context, c aws.Config, id string) (Keyring, error) {
	secret, err := secretsmanager.NewFromConfig(c).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return Keyring{}, fmt.Errorf("read the keyring: %w", err)
	}
	return Open([]byte(aws.ToString(secret.SecretString)))
}
