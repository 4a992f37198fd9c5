package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

var _ upload.Store = Store{}

// SaveUpload implements upload.Store.
func (s Store) SaveUpload(ctx context.Context, u upload.Slot) (upload.Slot, error) {
	if err := s.save(ctx, uploadKey(u.ID), u.Version, slotItem(u), slotAttributes); err != nil {
		return upload.Slot{}, kind("save upload", err)
	}
	u.Version++
	return u, nil
}

// Upload implements upload.Store.
func (s Store) Upload(ctx context.Context, id string) (upload.Slot, error) {
	if !upload.IsID(id) {
		return upload.Slot{}, optout.ErrNotFound
	}
	out, err := s.calls.Get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(uploadKey(id)), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return upload.Slot{}, kind("read upload", err)
	}
	if len(out.Item) == 0 {
		return upload.Slot{}, optout.ErrNotFound
	}
	return readSlot(out.Item)
}

// Uploads implements upload.Store.
func (s Store) Uploads(ctx context.Context, practice nhs.ODSCode, n int) ([]string, error) {
	return s.slots(ctx, uploadsOf(practice), n)
}

// Attachments implements upload.Store.
func (s Store) Attachments(ctx context.Context, form optout.Reference, n int) ([]string, error) {
	return s.slots(ctx, attachmentsOf(form), n)
}

func (s Store) slots(ctx context.Context, list string, n int) (ids []string, err error) {
	values := item{}
	values.str(":list", list)
	out, err := s.calls.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("list"), KeyConditionExpression: aws.String("LPK = :list"), ExpressionAttributeValues: values,
		ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(min(n, 100))),
	})
	if err != nil {
		return nil, kind("list uploads", err)
	}
	for _, i := range out.Items {
		ids = append(ids, uploadID((&reader{item: i}).str("PK")))
	}
	return ids, nil
}

// UploadShards implements upload.Store.
func (s Store) UploadShards() int { return uploadShards }

// UploadsDue implements upload.Store; a page is read when the walk gets there.
func (s Store) UploadsDue(ctx context.Context, p upload.Purpose, shard int, now time.Time) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for i, err := range s.due(ctx, uploadShard(p, shard), now) {
			if !yield(uploadID((&reader{item: i}).str("PK")), err) {
				return
			}
		}
	}
}

// TakeTurn implements upload.Store: one conditional update.
func (s Store) TakeTurn(ctx context.Context, t upload.Turn, now time.Time) (upload.Turn, error) {
	values := item{}
	values.str(":id", t.ID)
	values.time(":until", t.Until)
	values.time(":now", now)
	values.time(":run", t.Run)
	set := "SET reading = :id, #until = :until"
	if t.Uses {
		set += ", run = :run"
	}
	_, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(turnKey(t.Practice)), UpdateExpression: &set, ExpressionAttributeValues: values,
		ExpressionAttributeNames:            map[string]string{"#until": "until"},
		ConditionExpression:                 aws.String("(attribute_not_exists(reading) OR reading = :id OR #until <= :now) AND (attribute_not_exists(run) OR run <= :run)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		r := &reader{item: failed.Item}
		other := upload.Turn{Practice: t.Practice, ID: r.str("reading"), Until: r.time("until"), Run: r.time("run")}
		switch {
		case r.err != nil:
			return upload.Turn{}, fmt.Errorf("turn: %w: %w", optout.ErrUnreadable, r.err)
		case other.Run.After(t.Run):
			return other, upload.ErrOlder
		}
		return other, upload.ErrBusy
	}
	if err != nil {
		return upload.Turn{}, kind("take turn", err)
	}
	return t, nil
}

// EndTurn implements upload.Store.
func (s Store) EndTurn(ctx context.Context, practice nhs.ODSCode, id string) error {
	values := item{}
	values.str(":id", id)
	_, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(turnKey(practice)), ExpressionAttributeValues: values,
		UpdateExpression: aws.String("REMOVE reading, #until"), ExpressionAttributeNames: map[string]string{"#until": "until"},
		ConditionExpression: aws.String("reading = :id"),
	})
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return nil
	}
	return kind("end turn", err)
}

// slotItem spells a slot at the version after the one it was read at.
func slotItem(u upload.Slot) item {
	i := item{}
	i.num("v", u.Version+1)
	i.str("for", string(u.For))
	i.str("ods", u.Practice.String())
	i.str("by", u.By)
	i.time("run", u.Run)
	i.flag("sure", u.Sure)
	i.str("batch", u.Batch)
	i.str("form", u.Form.Key())
	i.num("pages", u.Pages)
	i.str("state", string(u.State))
	i.time("promised", u.Promised)
	i.time("uploaded", u.Uploaded)
	i.time("ended", u.Ended)
	i.time("usedAt", u.Used)
	i.time("lease", u.Lease)
	i.num("tries", u.Tries)
	i.str("fault", u.Fault)
	i.str("object", u.Object)
	i.str("malware", u.Malware)
	i.num("asked", u.Asked)
	i.bytes("sha256", u.SHA256)
	i.str("refusal", u.Refusal.Code)
	i.str("why", u.Refusal.Detail)
	i.str("layout", u.Answer.Layout)
	i.num("rows", u.Answer.Rows)
	i.counts("used", u.Answer.Used)
	i.counts("faults", u.Answer.Faults)
	i.counts("forms", u.Answer.Forms)
	if len(u.Answer.Doubt) > 0 {
		doubt := make([]string, len(u.Answer.Doubt))
		for n, ref := range u.Answer.Doubt {
			doubt[n] = ref.Key()
		}
		i.list("doubt", doubt)
	}
	if len(u.Answer.Faulty) > 0 {
		faulty := make([]types.AttributeValue, len(u.Answer.Faulty))
		for n, f := range u.Answer.Faulty {
			row := item{}
			row.num("line", f.Line)
			row.str("code", f.Code)
			row.num("other", f.Other)
			faulty[n] = &types.AttributeValueMemberM{Value: row}
		}
		i["faulty"] = &types.AttributeValueMemberL{Value: faulty}
	}
	i.place(uploadEntry(u), uploadDue(u))
	return i
}

// slotAttributes are all that slotItem may write.
var slotAttributes = []string{
	"v", "for", "ods", "by", "run", "sure", "state", "promised", "uploaded", "ended", "usedAt", "lease", "tries", "fault", "object", "batch", "form", "pages", "malware", "asked", "sha256",
	"refusal", "why", "layout", "rows", "used", "faults", "forms", "doubt", "faulty", "LPK", "LSK", "DPK", "DSK",
}

func readSlot(i item) (upload.Slot, error) {
	r := &reader{item: i}
	u := upload.Slot{
		ID: uploadID(r.str("PK")), Version: r.num("v"), For: upload.Purpose(r.str("for")), Practice: nhs.StoredODSCode(r.str("ods")), By: r.str("by"),
		Run: r.time("run"), Sure: r.flag("sure"), Batch: r.str("batch"), Pages: r.num("pages"), Malware: r.str("malware"), Asked: r.num("asked"),
		State: upload.State(r.str("state")), Promised: r.time("promised"), Uploaded: r.time("uploaded"), Ended: r.time("ended"),
		Used: r.time("usedAt"), Lease: r.time("lease"), Tries: r.num("tries"), Fault: r.str("fault"), Object: r.str("object"), SHA256: r.bytes("sha256"),
		Refusal: upload.Refusal{Code: r.str("refusal"), Detail: r.str("why")},
		Answer: upload.Answer{
			Layout: r.str("layout"), Rows: r.num("rows"), Used: r.counts("used"), Faults: r.counts("faults"), Forms: r.counts("forms"),
		},
	}
	if sk := r.str("DSK"); sk != "" {
		var err error
		if u.Due, _, err = dueOf(sk); err != nil {
			r.fail("DSK", err)
		}
	}
	if form := r.str("form"); form != "" {
		ref, err := optout.ParseReference(form)
		if err != nil {
			r.fail("form", err)
		}
		u.Form = ref
	}
	for _, s := range r.list("doubt") {
		ref, err := optout.ParseReference(s)
		if err != nil {
			r.fail("doubt", err)
		}
		u.Answer.Doubt = append(u.Answer.Doubt, ref)
	}
	r.each("faulty", func(r *reader) {
		u.Answer.Faulty = append(u.Answer.Faulty, upload.Faulty{Line: r.num("line"), Code: r.str("code"), Other: r.num("other")})
	})
	if r.err != nil {
		return upload.Slot{}, fmt.Errorf("upload: %w: %w", optout.ErrUnreadable, r.err)
	}
	return u, nil
}

// counts are numbers by name; none are left out.
func (i item) counts(name string, v map[string]int) {
	m := item{}
	for _, k := range slices.Sorted(maps.Keys(v)) {
		m.num(k, v[k])
	}
	if len(m) > 0 {
		i[name] = &types.AttributeValueMemberM{Value: m}
	}
}

func (r *reader) counts(name string) (v map[string]int) {
	r.inner(name, func(r *reader) {
		v = map[string]int{}
		for k := range r.item {
			v[k] = r.num(k)
		}
	})
	return v
}
