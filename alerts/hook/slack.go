package hook

import "strings"

// Limits of Slack's Block Kit: 150 characters of a header, 3000 of a section.
const (
	slackHeader  = 150
	slackSection = 2900
)

// slackBody is a message of Slack's incoming webhooks. Its markup begins with &, < or >, mentions too.
func slackBody(p *parcel) any {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "`", "'", "~", "∼").Replace
	text := lines(p, slackSection, escape, func(text, url string) string { return "<" + url + "|" + text + ">" })
	if i := strings.LastIndexAny(text, "<&"); i > len(text)-slackHeader && strings.LastIndexAny(text, ">;") < i {
		text = text[:i] + "…" // it was cut in the middle of markup
	}
	title := strings.NewReplacer("<", "‹", ">", "›").Replace(oneLine(titleOf(p), slackHeader-10)) // plain text, which is no reason to try
	return map[string]any{
		"text": escape(title), // of the banner on a phone
		"blocks": []any{
			map[string]any{"type": "header", "text": map[string]any{"type": "plain_text", "text": title, "emoji": false}},
			map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": text, "verbatim": true}},
		},
	}
}
