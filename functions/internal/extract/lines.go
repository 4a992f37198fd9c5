package extract

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// longest is the longest line that is looked at, in bytes of UTF-8.
const longest = 64 << 10

var errTooLong = errors.New("line too long")

// lines gives the lines of a file one by one, as UTF-8 and without what ends them.
type lines struct {
	r    *bufio.Reader
	line int // that was given last, from 1
}

// newLines refuses what is no text at the start, as spreadsheets' own files are, before anything is looked for in it.
func newLines(file io.Reader) (*lines, error) {
	limited := http.MaxBytesReader(nil, io.NopCloser(file), MostBytes)
	l := &lines{r: bufio.NewReaderSize(transform.NewReader(limited, unicode.BOMOverride(transform.Nop)), longest)}
	start, _ := l.r.Peek(longest) // what is wrong with reading it is found again by next
	if bytes.ContainsFunc(start, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' }) {
		return nil, &Refusal{Code: "not-text"}
	}
	return l, nil
}

// next gives a line that is valid until the following call, errTooLong for one that is skipped, io.EOF after the last.
func (l *lines) next() ([]byte, error) {
	text, err := l.r.ReadSlice('\n')
	l.line++
	tooLong := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.r.ReadSlice('\n')
	}
	_, isLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case isLarge:
		return nil, &Refusal{Code: "too-large"}
	case err != nil && err != io.EOF: // one that wraps it is a file that broke off
		return nil, fmt.Errorf("read an extract: %w", err)
	case tooLong:
		return nil, errTooLong
	case len(text) == 0:
		return nil, io.EOF
	case !utf8.Valid(text), bytes.ContainsRune(text, utf8.RuneError): // which is what UTF-16 gives for what it cannot be
		return nil, &Refusal{Code: "encoding", Line: l.line}
	}
	return bytes.TrimRight(text, "\r\n"), nil
}

// filled is the next line in which something stands: spreadsheets end lists with rows of nothing but commas.
func (l *lines) filled() ([]byte, error) {
	for {
		if text, err := l.next(); err != nil || len(bytes.Trim(text, ",; \t")) > 0 {
			return text, err
		}
	}
}
