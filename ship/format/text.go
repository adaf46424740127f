package format

import (
	"strings"

	"github.com/waybill-log/waybill/collector/intake"
)

// maxWord bounds the word that may stand in front of a time, such as a file's name.
const maxWord = 64

// text reads a line of words: a time at its front if there is one, and the name of a level
// among the words behind it. Every line is one.
type text struct{ times Times }

func (p text) Parse(line string, f *intake.Foreign) bool {
	rest := line
	if start, end, behind := p.times.leading(line); end > 0 {
		f.Add("timestamp", line[start:end])
		rest = strings.TrimLeft(line[behind:], " \t")
	} else if word, behind, found := strings.Cut(line, " "); found && len(word) <= maxWord {
		if start, end, _ := p.times.leading(behind); end > 0 { // behind a name, which stays in the message
			f.Add("timestamp", behind[start:end])
		}
	}
	f.Message = rest
	f.Level = levelAmong(rest)
	return true
}

// levelAmong finds the name of a level among the first words, in capitals or in brackets.
func levelAmong(words string) string {
	for range 8 {
		words = strings.TrimLeft(words, " \t")
		end := strings.IndexAny(words, " \t")
		word := words
		if end >= 0 {
			word = words[:end]
		}
		if level := levelOf(word); level != "" {
			return level
		}
		if end < 0 {
			break
		}
		words = words[end:]
	}
	return ""
}

// levelOf is log.level for a word that is the name of one; empty if it is none.
func levelOf(word string) string {
	bare := strings.Trim(word, "[]()<>|:,-")
	if bare == "" || len(bare) > 8 || bare == word && !capitals(bare) {
		return ""
	}
	switch strings.ToUpper(bare) {
	case "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "FATAL", "CRITICAL", "CRIT", "SEVERE", "PANIC", "ALERT", "EMERG":
		return intake.Level(bare)
	}
	return ""
}

func capitals(word string) bool {
	for i := range len(word) {
		if word[i] < 'A' || word[i] > 'Z' {
			return false
		}
	}
	return true
}
