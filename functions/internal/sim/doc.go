// Package sim lets histories of the whole service happen in one process, each decided by one number, its seed: the same
// seed is the same history, to the last call. It is for tests: nothing deployed imports it.
//
// # What is real, and what is not
//
// Real are the domain, the store and its expressions, the handlers of all doors (as API Gateway calls them), the adapters of
// Lambda's events, the engine, the sweeper, the readers of lists and of scans, and who hears of mails. People use the doors:
// browsers send pages, software asks the APIs. People online and at counters fill in what they are shown; other staff send pages as
// they would be filled in, in a session that was opened for them, and what they look at before they decide (which of several forms,
// what stands on a paper) is read from the store. Nobody signs in at an issuer. Simulated are what it all runs
// on: the table (package table), its indexes and its stream, S3, SES, GuardDuty, what draws pages, schedules, clocks, and the
// people. Every call that a function makes waits until the world serves it, one at a time, and the world decides which is next
// and what befalls it: refused, lost on the way back, done twice, late, in conflict, or the end of the function.
//
// A history has two parts. First people do what they do while faults come, as often as its weather says. Then none
// come any more, everybody does what is theirs, and at the end each form, each answer that was given and each thing
// that is due is looked at (World.check, and the Check of each part). Not everybody takes part in each: a seed also draws
// whether post comes, and whether practices send lists; from a thousand forms on everybody does. In a history of one form one
// person sets out with one, at the door that the seed draws, and sends it again perhaps, but no other; on paper it may turn out to
// be something else. Forty-nine in fifty of those are brief: the form comes by the API online, its practice looks every few hours by
// its software, or never by itself, and applies what it collects, and faults come for hours and not for days. Pages, paper, counters,
// lists of coded patients and long storms are for the others and for histories of more forms.
//
// # How a world runs
//
// A world lives in a bubble of testing/synctest, which has its own clock: nothing waits for real time, and the world
// knows when everything in it waits. All chance is drawn from the seed, that of the product (steady.Chance,
// crypto/rand) too. One process has one world at a time.
//
//	go test ./functions/internal/sim -run Histories -v -sim.seed=7      replays a history and tells it
//	go test ./functions/internal/sim -run Histories -v -sim.for=10m     runs as many as there is time for
//
// # How to add a door, a channel or a job
//
// It is one file. In it a type implements Part, and Functions if it brings functions that the stream or a schedule
// wakes; a package variable has it Join. Begin plans what its people do with World.After and World.Send, or with member where
// they work behind a door (pages.go). Settle has them finish what is left, and Check says by World.Wrong what is not as they
// were told. Whatever it does is drawn from World.Rand, or from a source of its own made of the seed, so that a seed stays a
// history and what is new does not change what others do. The reader of lists (reader.go) is the shortest example, the office's
// (office.go) one of people.
package sim
