// Package directory knows the GP practices of England: which one a code names, which ones a person may mean by what
// they typed, and who took over from one that closed. It only answers from what is compiled into it; it reads no
// file and no network.
//
// # Where the data comes from
//
// The Organisation Data Service of the NHS publishes the practices of England and Wales (epraccur). Cut keeps the
// columns that are needed, one practice a line, and refuses every row that it cannot take whole, by row number and
// reason (cut.go; the command is in cut/). The result, practices.txt.gz, is compiled in. It holds what the service
// published on that day; a deployment cuts its own current copy. README.md carries the attribution that the licence
// asks for. Names and addresses stay as published, in capitals.
//
// successors.csv says which practice took over from which. The published file does not, so the operator keeps it;
// it is shipped with its header alone (successor.go).
//
// # What is offered
//
// Search offers open practices in England and nothing else: not closed, dormant or proposed ones, which cannot act
// on a form; not Welsh ones (codes that begin with W), which this service does not reach; not the pseudo codes
// V81997 to V81999, which stand for having no practice and are refused by Cut already. Find also knows closed,
// dormant and proposed practices: a form that names a closed one is accepted and goes to its Successor.
//
// Nothing is ranked by distance. The rule of order is at Search. Far says which practice is hardly somebody's own, by
// the places that postcode areas share (far.go).
//
// # Cost and errors
//
// Nothing happens before the first call of Load, which unpacks and indexes once (milliseconds, about three
// megabytes) and gives every caller the same Directory; it is safe for use by many at once. Load fails only if what
// was compiled in is damaged or successors.csv is wrong, and then names every wrong line as a Fault. Find, Search,
// Successor and Far cannot fail; the first Search and the first Far make what they need.
package directory
