// Package dynamo keeps forms, persons and practices in one DynamoDB table, which is also the outbox and the queue.
//
// # Table of keys
//
//	item                                 PK                      SK
//	form: facts, history, version        F#<reference>           F
//	person: ordered list of references   N#<HMAC of NHS number>  P
//	possible person: the same            W#<HMAC of surname,     P
//	                                       birth date, postcode>
//	practice: decision, contacts         P#<ODS code>            P
//	practice: digest state               P#<ODS code>            D
//
//	index  says                  partition                     sort
//	list   whose list it is on   LPK L#<ODS code> or           LSK <O open, S said to be applied,
//	                               L#<desk|office>#<0…255>       D done>#<time>#<id>
//	due    what is due by when   DPK DUE#<0…1023> (sparse)     DSK <time>#<noun>#<id>
//
// Times in keys are RFC 3339, UTC, milliseconds, and so sort as text. Index entries are hints: whoever finds one
// reads the item strongly before acting.
//
// No key, in the table or an index, is a date, a status, a channel or a counter alone: at 10,000 forms a second no
// key sees more than 200 writes a second (TestNoKeyIsHot).
//
// Other attributes of a form: v (number of events), channel, facts, person, possible, print (fingerprint of the
// answers), attempt (nonce), events, tries, fault. Of a person: refs, v. Of a practice: v, email, decisions, contacts.
// Of a digest: v, asked, extractAsked, late, lease, sent, mails, tries, fault, since, attempts. Nothing in the table expires
// by itself.
package dynamo
