"""The installed Python distributions, as their own metadata describes them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from email.message import Message
from functools import cache
from importlib import metadata
from typing import cast

from packaging.requirements import InvalidRequirement, Requirement

from .personal_data import hashed
from .tables import RawTable, Row

LICENSE_NAME_LIMIT = 120
VERSION = r"v?\[?(?P<version>\d+(?:\.\d+)+(?:[a-z]+\d+)?)\]?(?:\([^)\s]*\))?"
DATE = r"(?P<date>\d{4}-\d{2}-\d{2})"
RELEASE_HEADING = re.compile(
    rf"^[\s#=*|-]*(?:version\s+|release\s+)?{VERSION}[\s:,\u2013\u2014-]*[\[(]?(?:released\s+)?{DATE}[\])]?[\s:#*]*$",
    re.IGNORECASE | re.MULTILINE,
)


@cache
def distributions() -> dict[str, metadata.Distribution]:
    """Installed distributions by name, sorted; of two with one name the first on `sys.path`, as an import does."""
    found: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name and name not in found:
            found[name] = distribution
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def distribution_rows() -> Iterator[Row]:
    """name, version, summary, license, requires_python, metadata_version, author_hash, file_count, size_bytes."""
    for name, distribution in distributions().items():
        meta = fields(distribution)
        files = distribution.files or []
        yield (
            name,
            distribution.version,
            meta.get("Summary"),
            license_name(distribution),
            meta.get("Requires-Python"),
            meta.get("Metadata-Version"),
            hashed(meta.get("Author-email") or meta.get("Author") or "") or None,
            len(files),
            sum(file.size or 0 for file in files),
        )


def license_name(distribution: metadata.Distribution) -> str | None:
    """The declared licence: its SPDX expression, else the `License` field when it is a name, else the classifier."""
    meta = fields(distribution)
    for text in (meta.get("License-Expression"), meta.get("License")):
        # Some projects paste the whole licence text into the field.
        if text and "\n" not in text.strip() and len(text) <= LICENSE_NAME_LIMIT:
            return text.strip()
    for classifier in meta.get_all("Classifier") or []:
        if classifier.startswith("License ::"):
            return classifier.rpartition(" :: ")[2]
    return None


def requirement_rows() -> Iterator[Row]:
    """name, position, requirement, requires, specifier, marker."""
    for name, distribution in distributions().items():
        for position, text in enumerate(distribution.requires or []):
            try:
                parsed = Requirement(text)
            except InvalidRequirement:
                continue
            yield name, position, text, parsed.name, str(parsed.specifier), str(parsed.marker or "")


def classifier_rows() -> Iterator[Row]:
    """name, classifier."""
    for name, distribution in distributions().items():
        for classifier in dict.fromkeys(distribution.metadata.get_all("Classifier") or []):
            yield name, classifier


def project_url_rows() -> Iterator[Row]:
    """name, label, url; the old `Home-page` field counts as the label `Homepage` where no such label exists."""
    for name, distribution in distributions().items():
        labelled: dict[str, str] = {}
        for entry in distribution.metadata.get_all("Project-URL") or []:
            label, _, url = entry.partition(",")
            labelled.setdefault(label.strip(), url.strip())
        homepage = fields(distribution).get("Home-page")
        if homepage and homepage != "UNKNOWN":
            labelled.setdefault("Homepage", homepage)
        for label, url in labelled.items():
            # A sponsoring page names a person, not the project.
            if "/sponsors/" not in url:
                yield name, label, url


def release_rows() -> Iterator[Row]:
    """name, version, released_on: the dated headings of the change log in a distribution's own description."""
    for name, distribution in distributions().items():
        releases: dict[str, dt.date] = {}
        for version, day in RELEASE_HEADING.findall(description(distribution)):
            try:
                releases.setdefault(version, dt.date.fromisoformat(day))
            except ValueError:
                continue
        for version, released_on in releases.items():
            yield name, version, released_on


def description(distribution: metadata.Distribution) -> str:
    """The long description, which the metadata keeps as a field or as the message's body."""
    message = fields(distribution)
    return str(message.get("Description") or message.get_payload() or "")


def fields(distribution: metadata.Distribution) -> Message:
    """The metadata as the e-mail message that it is; typeshed knows only part of that."""
    return cast(Message, distribution.metadata)


TABLES = (
    RawTable(
        "pypi",
        "distributions",
        {
            "name": "VARCHAR",
            "version": "VARCHAR",
            "summary": "VARCHAR",
            "license": "VARCHAR",
            "requires_python": "VARCHAR",
            "metadata_version": "VARCHAR",
            "author_hash": "VARCHAR",
            "file_count": "BIGINT",
            "size_bytes": "BIGINT",
        },
        distribution_rows,
        "One row for each installed Python distribution, from its own metadata.",
    ),
    RawTable(
        "pypi",
        "requirements",
        {
            "name": "VARCHAR",
            "position": "BIGINT",
            "requirement": "VARCHAR",
            "requires": "VARCHAR",
            "specifier": "VARCHAR",
            "marker": "VARCHAR",
        },
        requirement_rows,
        "One row for each requirement that an installed distribution declares.",
    ),
    RawTable(
        "pypi",
        "classifiers",
        {"name": "VARCHAR", "classifier": "VARCHAR"},
        classifier_rows,
        "One row for each trove classifier of an installed distribution.",
    ),
    RawTable(
        "pypi",
        "project_urls",
        {"name": "VARCHAR", "label": "VARCHAR", "url": "VARCHAR"},
        project_url_rows,
        "One row for each labelled address in an installed distribution's metadata.",
    ),
    RawTable(
        "pypi",
        "releases",
        {"name": "VARCHAR", "version": "VARCHAR", "released_on": "DATE"},
        release_rows,
        "One row for each dated release in the change log that a distribution carries in its description.",
    ),
)
