package patient_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"

	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/infra"
)

func TestTheContractIsServedAsItIs(t *testing.T) {
	t.Parallel()
	if a := newHouse(t).send("GET", "/openapi.yaml", "", ""); a.status != http.StatusOK || a.body != string(infra.OpenAPI) {
		t.Errorf("%d, %d bytes", a.status, len(a.body))
	}
}

// occasions are how the contract's examples of answers come about, at a path that takes the body good. An answer that
// is not here is to the request of its name.
var occasions = map[string]func(h *house, path, good string) answer{
	"idempotency-key-missing": func(h *house, path, good string) answer {
		return h.send("POST", path, "", good)
	},
	"idempotency-key-not-uuid": func(h *house, path, good string) answer {
		return h.send("POST", path, "my-form", good)
	},
	"key-used-for-other-answers": func(h *house, path, good string) answer {
		h.send("POST", path, key, good).receipt(h.t)
		return h.send("POST", path, key, strings.Replace(good, "dissent", "core", 1))
	},
	"in-hand": func(h *house, path, good string) answer {
		var asked struct{ Reference string }
		if err := json.Unmarshal([]byte(good), &asked); err != nil {
			h.t.Fatal(err)
		}
		h.Move(60e9)
		h.advance(asked.Reference)
		return h.send("POST", path, "", good)
	},
	"not-json": func(h *house, path, good string) answer {
		return h.send("POST", path, key, good[1:])
	},
	"body-too-large": func(h *house, path, good string) answer {
		return h.send("POST", path, key, good+strings.Repeat(" ", 32<<10))
	},
	"not-json-type": func(h *house, path, good string) answer {
		return h.send("POST", path, key, good, "Content-Type", "text/plain")
	},
	"cross-origin": func(h *house, path, good string) answer {
		return h.send("POST", path, key, good, "Sec-Fetch-Site", "cross-site")
	},
	"not-found": func(h *house, path, _ string) answer {
		return h.send("GET", path, "", "")
	},
	"method-not-allowed": func(h *house, _, _ string) answer {
		return h.send("GET", "/api/forms", "", "")
	},
	"not-now": func(h *house, path, good string) answer {
		h.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
		return h.send("POST", path, key, good)
	},
	"too-many-requests": func(h *house, path, good string) answer {
		h = newHouseWith(h.t, func(d *patient.Door) { d.Sends.Most, d.Looks.Most = 1, 1 })
		h.send("POST", path, "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5e", good)
		return h.send("POST", path, key, good)
	},
	"internal-error": func(h *house, path, good string) answer {
		h.Fate = func(string) optouttest.Fate { return optouttest.Broken }
		return h.send("POST", path, key, good)
	},
}

// Every example of an answer is what the door gives, to the last value, and every example of a request is answered
// with the example of its name. All of it happens at Noon and under the contract's key.
func TestTheContractsExamplesAreWhatTheDoorTakesAndGives(t *testing.T) {
	t.Parallel()
	contract := contracttest.API()
	forms := contract.Document.Paths.Value("/api/forms").Post
	if got := forms.Parameters[0].Value.Example; got != key {
		t.Fatalf("the contract's key is %v", got)
	}
	dissent := requests(t, forms)["dissent"]
	operations := map[string]*openapi3.Operation{"ANY /nowhere": contract.Otherwise}
	for path, item := range contract.Document.Paths.Map() {
		for method, o := range item.Operations() {
			if slices.ContainsFunc(patient.Routes, func(r patient.Route) bool { return r.Method == method && r.Path == path }) {
				operations[method+" "+path] = o
			}
		}
	}
	given := map[string]bool{}
	for address, o := range operations {
		_, path, _ := strings.Cut(address, " ")
		asked := requests(t, o)
		good := asked["dissent"] + asked["received"] // whichever there is
		answered := map[string]int{}
		for _, e := range answers(o) {
			occasion, ok := occasions[e.name]
			given[e.name] = true
			if body, sent := asked[e.name]; sent {
				answered[e.name]++
				occasion = func(h *house, path, _ string) answer { return h.send("POST", path, key, body) }
			} else if !ok {
				t.Errorf("%s answers %s %s: nobody knows when", address, e.status, e.name)
				continue
			}
			if e.name == "internal-error" && o.RequestBody == nil {
				continue // it takes a panic
			}
			t.Run(fmt.Sprint(address, " answers ", e.status, " ", e.name), func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				if path == "/api/status" {
					h.send("POST", "/api/forms", key, dissent).receipt(t)
				}
				got := occasion(h, path, good)
				var value any
				if err := json.Unmarshal([]byte(got.body), &value); err != nil {
					t.Fatalf("%d %s: %v", got.status, got.body, err)
				}
				if fmt.Sprint(got.status) != e.status || !reflect.DeepEqual(value, e.value) {
					t.Errorf("the door answers %d %v\nand the contract %s %v", got.status, value, e.status, e.value)
				}
			})
		}
		for name := range asked {
			if answered[name] != 1 {
				t.Errorf("%s: the request %s has %d answers of its name", address, name, answered[name])
			}
		}
	}
	for name := range occasions {
		if !given[name] {
			t.Errorf("the contract has no example of %s", name)
		}
	}
}

// requests are the examples of an operation's requests, as they are sent.
func requests(t *testing.T, o *openapi3.Operation) map[string]string {
	t.Helper()
	all := map[string]string{}
	if o.RequestBody == nil {
		return all
	}
	media := o.RequestBody.Value.Content["application/json"]
	if media == nil { // what a browser sends has no examples
		return all
	}
	for name, e := range media.Examples {
		body, err := json.Marshal(e.Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(body)
	}
	return all
}

// example is an example of an answer.
type example struct {
	status, name string
	value        any
}

// answers are the examples of an operation's answers. For what the gateway says itself no door is asked.
func answers(o *openapi3.Operation) (all []example) {
	for status, response := range o.Responses.Map() {
		for _, content := range response.Value.Content {
			if content.Schema == nil || content.Schema.Ref == contracttest.Gateway {
				continue
			}
			for name, e := range content.Examples {
				all = append(all, example{status, name, e.Value.Value})
			}
		}
	}
	return all
}

// A panic is answered by whatever calls the door, and as the contract says.
func TestAPanicIsAnAnswerOfTheContract(t *testing.T) {
	t.Parallel()
	door := patient.Door{Now: func() time.Time { panic("Quillfeather") }}
	serve := trigger.HTTP(observe.New("patient", io.Discard, time.Now), door.Handler())
	called := contracttest.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := events.APIGatewayV2HTTPRequest{RawPath: r.URL.Path, Headers: map[string]string{"Idempotency-Key": key}, Body: dissent(t, nil)}
		e.RequestContext.HTTP.Method = r.Method
		out, err := serve(r.Context(), e)
		if err != nil {
			t.Error(err)
		}
		for name, value := range out.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(out.StatusCode)
		_, _ = io.WriteString(w, out.Body)
	}), t.Errorf)
	w := httptest.NewRecorder()
	called.ServeHTTP(w, httptest.NewRequest("POST", "/api/forms", nil))
	answer{w.Code, w.Header(), w.Body.String()}.wantProblem(t, 500, "internal-error", "")
}
