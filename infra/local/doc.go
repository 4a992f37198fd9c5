// Command local runs the product of template.yaml on one machine: no container, no account.
//
// The functions' own bootstrap binaries are started through a real Lambda Runtime API, exactly as they are
// deployed. They have no local branch: only the AWS_ENDPOINT_URL_* variables differ. What AWS does around them
// is played here. What the template asks for and the runner cannot play is a named fault at start-up, never a
// silent difference.
//
// # Where to start reading
//
// First how a start goes:
//
//	main.go       the command line
//	runner.go     what is started, in which order, and how it ends
//
// Then what the template says. A new resource type, property or event begins in resources.go:
//
//	template.go   parameters, conditions, intrinsics, names
//	resources.go  the plan: which resource types and properties are understood
//	pattern.go    filter criteria of event source mappings, and patterns of rules
//	policy.go     roles: what they allow, and what Lambda itself does with them
//
// Then the way of a form:
//
//	gateway.go    API Gateway: an HTTP API, payload format 2.0
//	runtime.go    Lambda: a pool of processes per function
//	access.go     IAM: every call of a function is judged by its role
//	s3access.go   the same before S3, where browsers call too
//	engine.go     DynamoDB: a child process or any endpoint, and its streams
//	stream.go     the event source mapping of a stream
//	checkpoint.go how far a mapping has come, on disk
//	schedule.go   EventBridge: rate and cron
//	bus.go        EventBridge: what services tell, by rule, and asynchronous invocation
//	objects.go    S3: a child process that keeps objects as files
//	malware.go    GuardDuty: what is put is looked into
//	secrets.go    Secrets Manager: GetSecretValue
//	mail.go       SES v2: SendEmail, and the mailbox
//	issuer.go     Cognito: who signs in, and tokens for people and machines
//
// Last what one sees of it, and what it stands on:
//
//	console.go    what there is to see and to switch; its pages are in console.gohtml
//	browse.go     an item as a person reads it, found by a form's reference
//	items.go      a look into the table
//	logs.go       a file per function, and the newest lines in memory
//	toggle.go     a switch
//	journal.go    a file of what must not be forgotten, line by line
//	build.go      the Go compiler: one build for all functions
//	reload.go     a function whose files have changed is built anew and goes on with the new build
//	children.go   child processes that never outlive the runner
//
// # Mail that fails
//
// As with the simulator of SES, the local part of a recipient decides, whatever the domain:
//
//	reject@…    400 MessageRejected
//	throttle@…  429 TooManyRequestsException
//	down@…      500 InternalServiceException
//
// Nothing is put in the mailbox then. Mail to these is kept, and an event about it is put on the bus at once, if the
// mail's configuration set says so; what stands after a plus sign, as in bounce+a81001@…, changes nothing:
//
//	bounce@…    Email Bounced, for good
//	complaint@… Email Complaint Received
//	virus@…     Email Rejected
//
// # Who signs in
//
// Anybody on a page of personas, without a password, once the template has a client of a user pool. What one sees
// there can be had without the page: persona=<id> at the end of the address of the page. Machines ask /oauth2/token for
// client credentials, as software-1, software-2 or push-1 with the secret local-secret. Whoever adds token=forged or
// token=expired to either request gets a token that nobody may take. MFA, passwords and the machines' scopes are not
// played.
//
// # Buckets
//
// The engine is versitygw, a part of this binary that runs as a child. It is started if the template has a bucket that
// is more than the place of what mappings give up, which is a folder here. Signatures, session tokens, the conditions
// of a form that was signed for a browser, expiry, versions and CORS are real; they are checked by the engine, after
// the role. Objects do not expire, nothing but GuardDuty hears of them, and they are not encrypted. What needs more
// than its own action, such as a copy, a tag or a lock, is refused by name. A form that was signed can be sent for an
// hour at most, even if it says longer. Buckets are named in the path. A form's address, and a signed one, are gone
// with the runner: the next one has another port.
//
// # Malware
//
// Each version of an object below a plan of GuardDuty's Malware Protection is looked into, however it got there, and
// the result is put on the bus: THREATS_FOUND where the bytes hold EICAR, the test file of eicar.org, in ZIP archives
// too; UNSUPPORTED of an archive with a password, and of what is larger than 64 MB, or holds more than that;
// NO_THREATS_FOUND otherwise. GuardDuty itself knows passwords of more kinds of files. Results arrive at least once,
// though the runner be killed: what has none yet gets it at the next start.
//
// With the console's switch for malware results off, or -malware=off, whatever is put gets none, then or later. The
// switch beside it makes GuardDuty fail at everything. A function asks again by SendObjectMalwareScan, which is all
// that is played of GuardDuty's API. Any result, also of a version that never was, can be sent by hand:
//
//	POST /switch   what=malware|malware-fails  on=true|false
//	POST /malware  key  [bucket]  [version: the newest]  [result: what it deserves]
//	GET  /malware.json
//
// # Roles
//
// A function must name a role of the template. Its calls to DynamoDB, S3, Secrets Manager, SES and GuardDuty pass
// through the runner, which knows by the access key who is calling, and whatever the role does not allow is
// AccessDenied: said once on stderr, counted on the overview and in /status.json. What Lambda itself does with a role
// (read a stream, put into a bucket what it gave up, keep logs), and GuardDuty with that of a plan, happens inside the
// runner and is asked of the role at start-up.
//
// Judged are identity-based policies of the role: Allow and Deny, wildcards, ARNs. Anything else in a role, such as a
// condition (but that of GuardDuty's own rules) or a managed policy, is a fault. Policies of buckets and keys are not
// judged, and signatures are checked by S3 only. Grants that nobody uses are found by
// TestRolesAllowWhatIsDoneAndNothingElse, with the help of -template.
//
// # Changed files
//
// Unless -reload=false, the runner looks at the files below the root twice a second. When those a function is
// made of have changed, it is built, and if its binary is another one its processes are replaced: an invocation under
// way is finished by the process it has. What does not compile leaves the build before running, and the compiler's
// words on stderr and on the overview. A changed template needs a new start.
//
// # What differs from AWS
//
// A function has eight processes at most unless its reserved concurrency says otherwise, and an invocation waits for
// one instead of being throttled. Memory is told to the function but not limited. A failed schedule or event is
// repeated after seconds, not minutes, however old it is, and a failed stream slice after at most five seconds. What is
// on the bus when the runner ends is lost, but for results about malware. Items whose time to live is over stay. Only
// switches of the console can stop what the template starts. Quotas are off unless -set says otherwise: all clients are
// of one network.
//
// # State
//
// Everything that must outlive the runner is in one folder (-state): table.db, objects, secrets.json, issuer.pem,
// mails.jsonl, malware.jsonl, checkpoints, unprocessed, logs and build. A mapping that gives records up keeps them in
// unprocessed, as the JSON that AWS puts into the bucket. Removing the folder is starting anew.
package main
