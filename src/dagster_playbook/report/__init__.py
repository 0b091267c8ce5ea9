"""What a check says, in the form that its reader takes: a person, a machine, a code host, a test dashboard.

A reporter sees a `Report` and nothing else: no project, no platform, no clock. Each is imported when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module

from dagster_playbook.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a machine format tells about a rule beside its findings: kebab name, one sentence, help in Markdown."""

    name: str
    summary: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Doubts:
    """Doubts of one cause: how many, what they are in the words of a count, and what settles all of them."""

    cause: str
    count: int
    told: str
    cure: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a reporter may tell.

    Attributes:
        summary: files, fences, spans, checked, exempt, findings: the counts of the last line.
        findings: in reading order, each once.
        pages: POSIX paths of every page that was looked at, clean ones too.
        fingerprint, versions: of the platform that the pages were held to.
        prefix: the project's place in its repository, "" or with a trailing slash, for code hosts that want paths
            from there.
        sources: path to the lines of that file, for reporters that show or fingerprint the text of a finding.
        rules: code to what is known of the rule.
        doubts: what is doubted and not told one by one, by its causes.
    """

    summary: dict[str, int]
    findings: tuple[Finding, ...]
    pages: tuple[str, ...] = ()
    fingerprint: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    prefix: str = ""
    sources: dict[str, list[str]] = field(default_factory=dict)
    rules: dict[str, RuleText] = field(default_factory=dict)
    doubts: tuple[Doubts, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether one finding weighs enough to fail the check."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def line_at(self, path: str, line: int) -> str:
        """The text of a line (1-based), "" when the file is not among the sources or is shorter."""
        lines = self.sources.get(path, [])
        return lines[line - 1] if 0 < line <= len(lines) else ""


#: the formats of `--format`; each is a module here with `render(report) -> str`
FORMATS = ("text", "json", "sarif", "junit", "github")


def render(report: Report, form: str) -> str:
    """The report in one of `FORMATS`, without a newline at its end."""
    if form not in FORMATS:
        raise ValueError(f"no report format {form!r}")
    module = import_module(f"{__name__}.{_MODULES.get(form, form)}")
    rendered: str = module.render(report)
    return rendered


# a module called `json` here would read as the standard library's in every traceback
_MODULES = {"json": "json_document", "text": "plain_text"}
