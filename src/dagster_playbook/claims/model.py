"""What a page asserts: each fence, code span, bound sentence and link as a claim of one kind."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from dagster_playbook.claims.yaml_text import YamlNode, YamlProblem
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import FactBinding, Fence, Link, Span


class Kind(enum.StrEnum):
    """Which authority a claim is held to."""

    RUN_CONFIG = "run config"
    DAGSTER_INSTANCE = "dagster.yaml"
    SQLMESH_CONFIG = "SQLMesh config"
    WORKFLOW = "GitHub workflow"
    MKDOCS = "MkDocs config"
    PRE_COMMIT = "pre-commit config"
    COMPOSE = "compose file"
    RUNBOOK_HEAD = "runbook front matter"
    PROPERTIES = "properties"
    SQL = "SQL"
    MODEL = "MODEL block"
    PYTHON = "Python"
    SHELL = "shell"
    HELP = "help of a program"
    JSON = "JSON"
    TOML = "TOML"
    MARKDOWN = "Markdown example"
    DIAGRAM = "Mermaid diagram"
    STEP = "runbook step"
    NAME = "name"
    FACT = "fact"
    LINK = "link"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Claim:
    """One assertion of a page.

    Attributes:
        text: what is asserted, as readers see it.
        location: where it stands.
        fence, span, binding, link: the part of the page it was read from; exactly one is set.
        yaml, yaml_problems: the document, for claims that are YAML.
        job: for run config inside another text, the job that stands beside it.
        why: for UNKNOWN, what would make it understood.
    """

    kind: Kind
    text: str
    location: Location
    fence: Fence | None = None
    span: Span | None = None
    binding: FactBinding | None = None
    link: Link | None = None
    yaml: YamlNode | None = None
    yaml_problems: tuple[YamlProblem, ...] = field(default=())
    why: str = ""
    job: str = ""

    def at(self, line: int, column: int = 1, end_line: int = 0, end_column: int = 0) -> Location:
        """The place in the file of a place (1-based) in the claim's text."""
        if self.fence is not None:
            return self.fence.at(line, column, end_line, end_column)
        place = self.location
        if line == 1:
            stop = place.column + (end_column or column) - 1 if end_line in (0, 1) else place.end_column
            return Location(place.path, place.line, place.column + column - 1, place.line, stop)
        return place

    def node_at(self, node: YamlNode) -> Location:
        """The place in the file of a YAML node; of a block that ends on a later line, its first line."""
        if node.end_line != node.line:
            return self.at(node.line, node.column, node.line, node.column)
        return self.at(node.line, node.column, node.end_line, node.end_column)
