package patient

import (
	"net/http"

	"example.org/optout/infra"
)

// contract serves the description of the API: GET /openapi.yaml.
func (d Door) contract(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(infra.OpenAPI)
}
