// Package trigger adapts each kind of event that Lambda hands a function, once: an HTTP request, a slice of the
// table's stream, a schedule. Everything behind it is plain Go. Examples of the events are in events/received.
package trigger
