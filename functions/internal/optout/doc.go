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
//  5. Settle: other forms of the same person are linked, never closed. What only says again what an open form says
//     follows that one (settle.go); what holds for the person meanwhile is the choice that shares least (binding.go).
//  6. Route: the chosen practice, its successor, or the office's list; never to nobody (route.go).
//  7. Tell: the form makes its practice due in the same transaction. The practice's own Advance sends one mail
//     for all that waits, the first at once, then at most one a day (tell.go); what a practice decided for itself and
//     where it is told is its own (practice.go). Until somebody acts, the form's clock asks again.
//  8. People act through Custody, under the table of states (act.go, state.go). The practice collects (collect.go),
//     says applied (apply.go), or returns with a coded reason (return.go); the desk clears up what was held (hold.go).
//  9. Check: the practice's own list of coded patients shows the choice, or puts it in doubt (check.go).
//
// 10. It ends checked, withdrawn, or answered.
//
// A form is one item: its facts and its whole history, an append-only list of Events in which each carries the
// hash of the one before (event.go). Its State is a fold of those events and nothing else (state.go); what a
// member of the public may see of it are its Steps (status.go).
//
// Errors have few kinds (store.go). What may pass is tried again in growing steps; what fails for good goes to
// the office's list with its fault, and blocks nobody.
package optout
