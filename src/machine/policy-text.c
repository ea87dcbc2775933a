/* SPDX-License-Identifier: MIT */
#include "machine/policy-text.h"

#include <errno.h>
#include <string.h>

#define WORD_NUMBER(member, name, stays, help) WORD_##member,
#define WORD_NAME(member, name, stays, help)   [WORD_##member] = (name),
#define WORD_BIT(member, name, stays, help)    | 1U << WORD_##member
#define WORD_TAKE(member, name, stays, help)   .member = said >> WORD_##member & 1,

/* clang-format off */
enum {
	WORD_seal,
	WORD_off,
	WORD_children,
	AGENT_SWITCHES(WORD_NUMBER)
	WORDS
};

static const char *const words[] = {
	[WORD_seal] = "seal",
	[WORD_off] = "off",
	[WORD_children] = "children",
	AGENT_SWITCHES(WORD_NAME)
};

#define SEALING (1U << WORD_seal AGENT_SWITCHES(WORD_BIT))
/* clang-format on */

struct line {
	const char *at, *end;
	char pattern[POLICY_PATTERN_MAX + 1];
	size_t pattern_len;
	/* What a finding is about. */
	const char *word;
	size_t word_len;
};

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '#';
}

static void skip_blanks(struct line *line)
{
	while (line->at < line->end && (*line->at == ' ' || *line->at == '\t'))
		line->at++;
}

/* Behind it there may be a comment. */
static bool is_over(const struct line *line)
{
	return line->at == line->end || *line->at == '#';
}

static size_t word_len(const struct line *line)
{
	size_t len = 0;

	while (line->at + len < line->end && !ends_word(line->at[len]))
		len++;
	return len;
}

static enum policy_problem add_character(struct line *line, char c)
{
	if (line->pattern_len == POLICY_PATTERN_MAX)
		return POLICY_TOO_LONG;
	line->pattern[line->pattern_len++] = c;
	return POLICY_FINE;
}

/* Up to the closing quote, behind which the word has to end. */
static enum policy_problem take_quoted(struct line *line)
{
	enum policy_problem problem = POLICY_FINE;

	for (line->at++; problem == POLICY_FINE; line->at++) {
		if (line->at == line->end)
			return POLICY_QUOTE;
		if (*line->at == '"')
			break;
		if (*line->at == '\\' && (++line->at == line->end || !strchr("\"\\", *line->at)))
			return POLICY_QUOTE;
		problem = add_character(line, *line->at);
	}
	if (problem == POLICY_FINE && ++line->at < line->end && !ends_word(*line->at))
		problem = POLICY_QUOTE;
	return problem;
}

static enum policy_problem take_plain(struct line *line)
{
	enum policy_problem problem = POLICY_FINE;
	const char *end = line->at + word_len(line);

	for (; problem == POLICY_FINE && line->at < end; line->at++)
		problem = strchr("\"\\", *line->at) ? POLICY_QUOTE : add_character(line, *line->at);
	return problem;
}

/* Programs are known by where they really are: what the kernel makes of any path. */
static bool is_resolved(const char *pattern)
{
	for (const char *slash = strchr(pattern, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = strcspn(slash + 1, "/");

		if (len == 0 || (len <= 2 && strncmp(slash + 1, "..", len) == 0))
			return false;
	}
	return true;
}

static enum policy_problem take_pattern(struct line *line)
{
	enum policy_problem problem;

	line->word = line->at;
	line->word_len = word_len(line);
	problem = *line->at == '"' ? take_quoted(line) : take_plain(line);
	line->pattern[line->pattern_len] = '\0';
	if (problem != POLICY_FINE)
		return problem;
	if (line->pattern[0] != '/' && strcmp(line->pattern, "*") != 0)
		return POLICY_RELATIVE;
	return is_resolved(line->pattern) ? POLICY_FINE : POLICY_UNRESOLVED;
}

static unsigned find_word(const char *text, size_t len)
{
	unsigned i = 0;

	while (i < WORDS && (strncmp(words[i], text, len) != 0 || words[i][len] != '\0'))
		i++;
	return i;
}

static enum policy_problem take_word(struct line *line, unsigned *said)
{
	unsigned word = find_word(line->word, line->word_len), bit;

	if (word == WORDS)
		return POLICY_UNKNOWN_WORD;
	if (word == WORD_allow_unsealed)
		return POLICY_ALLOW_UNSEALED;
	bit = 1U << word;
	if (*said & bit)
		return POLICY_TWICE;
	*said |= bit;
	return POLICY_FINE;
}

static enum policy_problem judge_words(unsigned said)
{
	if (said & 1U << WORD_off && said & SEALING)
		return POLICY_CLASH;
	return said & (SEALING | 1U << WORD_off) ? POLICY_FINE : POLICY_NO_ACTION;
}

static enum policy_problem take_words(struct line *line, unsigned *ret_said)
{
	const char *end = line->at + word_len(line);
	enum policy_problem problem = POLICY_FINE;
	unsigned said = 0;

	if (line->at == end)
		return POLICY_NO_ACTION;
	for (line->word = line->at; problem == POLICY_FINE; line->word += line->word_len + 1) {
		const char *comma = memchr(line->word, ',', (size_t)(end - line->word));

		line->word_len = (size_t)((comma ? comma : end) - line->word);
		problem = take_word(line, &said);
		if (problem != POLICY_FINE)
			return problem;
		if (!comma)
			break;
	}
	line->word = line->at;
	line->word_len = (size_t)(end - line->at);
	line->at = end;
	*ret_said = said;
	return judge_words(said);
}

static struct policy_rule make_rule(unsigned said)
{
	const struct agent_options options = { AGENT_SWITCHES(WORD_TAKE) };
	struct policy_rule rule = {
		.off = said & 1U << WORD_off,
		.children = said & 1U << WORD_children,
	};
	char text[AGENT_OPTIONS_TEXT_MAX];

	agent_options_write(&options, text);
	strcpy(rule.options, text);
	return rule;
}

static bool has_control(const struct line *line)
{
	for (const char *p = line->at; p < line->end; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return true;
	return false;
}

/* What is in the line: a rule, unless *ret_empty, or a problem. */
static enum policy_problem read_line(struct line *line, bool *ret_empty, struct policy_rule *ret)
{
	enum policy_problem problem;
	unsigned said;

	if (has_control(line))
		return POLICY_CONTROL;
	skip_blanks(line);
	*ret_empty = is_over(line);
	if (*ret_empty)
		return POLICY_FINE;
	problem = take_pattern(line);
	if (problem != POLICY_FINE)
		return problem;
	skip_blanks(line);
	problem = take_words(line, &said);
	if (problem != POLICY_FINE)
		return problem;
	skip_blanks(line);
	line->word = line->at;
	line->word_len = word_len(line);
	if (!is_over(line))
		return POLICY_TOO_MANY_WORDS;
	*ret = make_rule(said);
	return POLICY_FINE;
}

static int complain(struct policy *policy, struct policy_finding *finding, const struct line *line)
{
	if (line->word_len > 0) {
		finding->word = policy_keep(policy, line->word, line->word_len);
		if (!finding->word)
			return -ENOMEM;
	}
	return policy_complain(policy, finding);
}

static int parse_line(
	struct policy *policy, struct policy_finding *finding, const char *text, size_t len)
{
	struct line line = { .at = text, .end = text + len };
	struct policy_rule rule;
	bool empty;

	finding->problem = read_line(&line, &empty, &rule);
	finding->word = NULL;
	if (finding->problem != POLICY_FINE)
		return complain(policy, finding, &line);
	if (empty)
		return 0;
	rule.file = finding->file;
	rule.line = finding->line;
	rule.pattern = policy_keep(policy, line.pattern, line.pattern_len);
	return rule.pattern ? policy_add(policy, &rule) : -ENOMEM;
}

int policy_parse(struct policy *policy, const char *file, const char *text, size_t len)
{
	struct policy_finding finding = { .file = policy_keep(policy, file, strlen(file)) };
	const char *end = text + len;
	int r = finding.file ? 0 : -ENOMEM;

	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((newline ? newline : end) - text);

		finding.line++;
		r = parse_line(policy, &finding, text, line);
		text += line + (newline != NULL);
	}
	return r;
}

void policy_action(const struct policy_rule *rule, char ret[POLICY_ACTION_MAX])
{
	strcpy(ret, rule->off ? words[WORD_off] : words[WORD_seal]);
	if (rule->options[0])
		strcat(strcat(ret, ","), rule->options);
	if (rule->children)
		strcat(strcat(ret, ","), words[WORD_children]);
}
