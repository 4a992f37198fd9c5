// Package optout is the domain of forms: who said no, who has the form since when, who must act by when.
// It knows no AWS and no HTTP; what it needs from outside it names as interfaces (Store, Keys, Post).
//
// # The life of a form
//
//  1. A door takes Answers, as they were said (answers.go).
//  2. Rules.Accept judges them: Facts, or Faults that a person can act on (accept.go, fault.go).
//  3. Registrar.Register writes the form and its person keys in one transaction. A repeat gets the stored first
//     answer. From here on the form cannot be lost: the table is the outbox and the queue (register.go).
//  4. Engine.Advance does what is next and due: it reads strongly, acts, and records what it did under the
//     form's version. The table's stream calls it at once, the sweeper calls it when it is due; twice, late or
//     from both sides changes nothing (advance.go).
//  5. Route: the chosen practice, or the office's list; never to nobody (route.go).
//  6. Tell: the form makes its practice due in the same transaction. The practice's own Advance sends one mail
//     for all that waits, the first at once, then at most one a day (tell.go).
//  7. Until somebody acts, the form's clock asks again on day 2, 14 and 28 (state.go).
//
// A form is one item: its facts and its whole history, an append-only list of Events in which each carries the
// hash of the one before (event.go). Its State is a fold of those events and nothing else (state.go); what a
// member of the public may see of it are its Steps (status.go).
//
// Errors have few kinds (store.go). What may pass is tried again in growing steps; what fails for good goes to
// the office's list with its fault, and blocks nobody.
package optout
