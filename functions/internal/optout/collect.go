package optout

import "context"

// Collect records that a named person at the practice opened the form.
func (c Custody) Collect(ctx context.Context, ref Reference, by Actor, said Said) (Answer, error) {
	return c.simple(ctx, ref, by, Collected, said)
}

// PutBack records that the practice let go of a form it had collected; it waits there like before.
func (c Custody) PutBack(ctx context.Context, ref Reference, by Actor, said Said) (Answer, error) {
	return c.simple(ctx, ref, by, LetGo, said)
}

// Deliver records that MESH gave the form out to the practice's mailbox. Delivered is not collected.
func (c Custody) Deliver(ctx context.Context, ref Reference, by Actor, said Said) (Answer, error) {
	return c.simple(ctx, ref, by, Delivered, said)
}

// NotDelivered records that nobody fetched the form from the practice's mailbox; the practice is told by e-mail.
func (c Custody) NotDelivered(ctx context.Context, ref Reference, by Actor, said Said) (Answer, error) {
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		return Change{Form: f.With(c.event(f, by, Unfetched, said)), Tell: f.state.Practice}, nil
	})
}

// Reject records that MESH will not carry the form, with MESH's own code; the office has it then.
func (c Custody) Reject(ctx context.Context, ref Reference, by Actor, said Said, code string) (Answer, error) {
	if code == "" || len(code) > 20 || !plain(code) {
		return Answer{}, wrong("code", "carriers-code")
	}
	return c.simple(ctx, ref, by, Rejected, said, "fault", code)
}
