// Package infra carries the files of this folder that the product itself serves.
package infra

import _ "embed"

// OpenAPI is the contract of every door's API.
//
//go:embed openapi.yaml
var OpenAPI []byte
