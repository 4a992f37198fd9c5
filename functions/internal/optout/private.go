package optout

import "log/slog"

// What a person said never prints itself, whole or in part: these types give a placeholder to fmt and slog.

const (
	hiddenAnswers = "[answers]"
	hiddenFacts   = "[facts]"
)

func (Answers) String() string       { return hiddenAnswers }
func (Answers) GoString() string     { return hiddenAnswers }
func (Answers) LogValue() slog.Value { return slog.StringValue(hiddenAnswers) }

func (Subject) String() string       { return hiddenAnswers }
func (Subject) GoString() string     { return hiddenAnswers }
func (Subject) LogValue() slog.Value { return slog.StringValue(hiddenAnswers) }

func (Proxy) String() string       { return hiddenAnswers }
func (Proxy) GoString() string     { return hiddenAnswers }
func (Proxy) LogValue() slog.Value { return slog.StringValue(hiddenAnswers) }

func (Reply) String() string       { return hiddenAnswers }
func (Reply) GoString() string     { return hiddenAnswers }
func (Reply) LogValue() slog.Value { return slog.StringValue(hiddenAnswers) }

func (Facts) String() string       { return hiddenFacts }
func (Facts) GoString() string     { return hiddenFacts }
func (Facts) LogValue() slog.Value { return slog.StringValue(hiddenFacts) }

// Text is what a member of staff wrote in words of their own. It may be about anybody.
type Text string

func (Text) String() string       { return "[text]" }
func (Text) GoString() string     { return "[text]" }
func (Text) LogValue() slog.Value { return slog.StringValue("[text]") }
