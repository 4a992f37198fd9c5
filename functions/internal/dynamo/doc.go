// Package dynamo keeps forms, persons and practices in one DynamoDB table, which is also the outbox and the queue.
//
// # Table of keys
//
//	item                                 PK                      SK
//	form: facts, history, version        F#<reference>           F
//	form: who is at work on it           F#<reference>           C
//	form: a look at it                   F#<reference>           L#<time>#<nonce>
//	form: which piece it was keyed from  F#<reference>           I
//	person: ordered list of references   N#<HMAC of NHS number>  P
//	possible person: the same            W#<HMAC of surname,     P
//	                                       birth date, postcode>
//	practice: decision, contacts, chases P#<ODS code>            P
//	practice: digest state               P#<ODS code>            D
//	practice: whose turn of reading      P#<ODS code>            X
//	slot of an upload                    U#<id>                  U
//	batch of the mailroom                B#<batch>               B
//	piece of a batch                     B#<batch>               I#<piece>
//	first file of some bytes             H#<their SHA-256>       H
//	readings that were right and wrong   T#<0…15>                T#<day>#<twice|sample>#<person;
//	                                                               none: of the pieces themselves>
//	counter of a quota                   Q#<HMAC of limit,       Q
//	                                       window, network>
//	session                              S#<person>              S#<id>
//	machine of practice or mailroom      C#<client id>           C
//
//	index  says                  partition                     sort
//	list   whose list it is on   LPK L#<ODS code> or           LSK <O open, S said to be applied,
//	                               L#<desk|office>#<0…255>       D done>#<time>#<id>
//	       uploads of a practice LPK X#<ODS code>              LSK <time>#<id>
//	       batches               LPK L#batches#<0…15>          LSK <O open, D closed>#<time opened>#<batch>
//	       pieces that wait      LPK L#keying#<0…15>           LSK <K to be keyed, S once more, A alarm, V
//	                                                             for a supervisor, F no file to read, Q
//	                                                             sample, E read otherwise>#<time>#<batch>
//	                                                             #<piece>
//	due    what is due by when   DPK DUE#<0…1023> (sparse)     DSK <time>#<noun>#<id>
//	       uploads               DPK DUE#<upload|scan|         DSK likewise
//	                               unanswered>#<0…15>
//	       batches               DPK DUE#batch#<0…15>          DSK likewise
//	       letters to be posted  DPK DUE#letter#<0…15>         DSK <time>#letter#<batch>#<piece>
//
// Times in keys are RFC 3339, UTC, milliseconds, and so sort as text. Index entries are hints: whoever finds one
// reads the item strongly before acting. On the office's list stand practices, too: their digests.
//
// No key, in the table or an index, is a date, a status, a channel or a counter alone: at 10,000 forms a second no
// key sees more than 200 writes a second (TestNoKeyIsHot). A counter sees as many in its whole window as its limit
// says, and one more from each process (quota.Gate): a flood from one network may write these all at once, and then no
// more. Claims and looks are written beside their form, at the pace of the people at work on it; nobody waits for them
// at the stream. Uploads are a few for each practice and day. A batch is written at the pace of the people at work on it:
// its pieces lie beside it, and change together with it. Nobody waits at the stream for batches, pieces, first files,
// papers and readings.
//
// Other attributes of a form: v (number of events), channel, facts, person, possible, print (fingerprint of the
// answers), attempt (nonce), events, tries, fault. Of a person: refs, v. Of a practice: v, email, decisions, contacts, chases.
// Of a digest: v, asked, extractAsked, late, lease, sent, mails, tries, fault, since, attempts. Of a counter: n,
// expires. Of a claim: by, until, expires; without the first two it has been released. Of a look: by, what. Of a session,
// whose person is the issuer's subject and never a name: open, expires; without the first it has ended. Of a machine:
// ods, name. Of a slot: v, for, ods, by, run, sure, batch, state, promised, uploaded, ended, usedAt, lease, tries, fault, object,
// malware, asked, sha256, refusal, why, layout, rows, used, faults, forms, doubt, faulty. Of a turn: reading, until, run. Of a
// batch: v, declared, pieces, highest, box, sequence, destroy, opened, moved, closed, history. Of a piece: v, upload, name,
// first, last, pages, envelope, sha256, status, why, form, marked, letter, number, since, done, twice, seen, keyed (of each: by,
// at, last, envelope, same, letter, number, hold, answers as JSON), leasedBy, leasedUntil, posted, sample (step, agreed, differs,
// first and again, of each what keyed has, status, why), history. Of a first file: batch, upload. Of a paper: batch, piece. Of
// readings: read-<field> and wrong-<field>, added to; whose person is an issuer's subject, and never a name.
//
// Counters, claims and sessions expire by themselves, by the attribute expires (epoch seconds), and nothing else has it
// (TestTheStoreConformsAndOnlyCountersClaimsAndSessionsExpire).
package dynamo
