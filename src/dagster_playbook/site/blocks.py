"""The code blocks of a built page: what a step is, what the platform refuses, and which of them may be copied."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dagster_playbook.claims.runbook_model import Kind, Runbook, Step
from dagster_playbook.meaning import Meanings
from dagster_playbook.runbook.page import does, fails, succeeds

_BLOCK = re.compile(
    r"<div(?P<attributes>[^<>]*\bclass=\"[^\"<>]*\bhighlight\b[^<>]*)>(?P<body>.*?</pre>)</div>", re.DOTALL
)
_ID = re.compile(r'\bid="([^"]*)"')
_LANGUAGE = re.compile(r"\blanguage-([\w-]+)")
_TAG = re.compile(r"<[^<>]*>")
_CODE = re.compile(r"<code>(.*)</code>", re.DOTALL)
#: a value that the reader has to give: of a runbook in braces, elsewhere between angle brackets
OPEN = re.compile(r"\{\{\s*[A-Za-z_][\w.-]*\s*\}\}|\"<[a-z][^<>\"]*>\"")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of a page when its blocks are dressed.

    Attributes:
        runbook: whose page it is, None on any other.
        meanings: of the config fields of the platform's ops.
        up: the way from the page to the site's root, "" or with a trailing slash.
    """

    runbook: Runbook | None
    meanings: Meanings
    up: str


def dressed(content: str, around: Surroundings) -> str:
    """The page's HTML with a bar above each block that has something to say, and a copy button only where one helps."""
    return _BLOCK.sub(lambda found: _block(found, around), content)


def text_of(body: str) -> str:
    """What a block says, without its colours."""
    code = _CODE.search(body)
    return html.unescape(_TAG.sub("", code[1] if code else ""))


def _block(found: re.Match[str], around: Surroundings) -> str:
    identity, language = _ID.search(found["attributes"]), _LANGUAGE.search(found["attributes"])
    step = around.runbook.step(identity[1]) if around.runbook and identity else None
    text = text_of(found["body"])
    config = _run_config(text) if language and language[1] == "yaml" else {}
    is_refused = any(
        (meaning := around.meanings.restatement(op)) is not None and meaning.is_asked_for(fields)
        for op, fields in config.items()
    )
    bar, after, classes = "", "", list[str]()
    if step is not None:
        bar = _step_bar(step)
        if _is_question(step) or step.approve:
            classes.append("no-copy")
    elif is_refused:
        bar = _refused_bar(around.up)
        classes.append("no-copy")
    if OPEN.search(text) and "no-copy" not in classes:
        classes += ["no-copy", "pb-open"]
    if config and step is None and not OPEN.search(text):
        # after the block, so that nobody mistakes it for what to do
        link = f'<a href="{around.up}builder.html#yaml={quote(text)}">Open this in the builder</a>'
        after = f'<p class="pb-build">{link}</p>'
    if not bar and not classes and not after:
        return found[0]
    attributes = found["attributes"].replace('class="', f'class="{" ".join(classes)} ' if classes else 'class="', 1)
    return f'<div class="pb-block">{bar}<div{attributes}>{found["body"]}</div>{after}</div>'


def _is_question(step: Step) -> bool:
    """Whether the block is of use to the program alone: pasted anywhere, it does nothing."""
    return step.kind in {Kind.ASK, Kind.NESSIE, Kind.DAGSTER, Kind.FACTS} or step.fence.body.strip() in {"{}", ""}


def _run_config(text: str) -> Mapping[str, Mapping[str, Any]]:
    """Op to its config, of a block that is run config; empty for any other YAML."""
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    ops = data.get("ops") if isinstance(data, dict) else None
    if not isinstance(ops, dict):
        return {}
    return {
        op: body["config"]
        for op, body in ops.items()
        if isinstance(body, dict) and isinstance(body.get("config"), dict)
    }


def _step_bar(step: Step) -> str:
    kind = "changes" if step.is_mutating else "asks" if step.kind is Kind.ASK else "looks"
    parts = [f'<b class="pb-kind">{kind}</b> {_text(step.id)}: {_text(does(step))}']
    parts.append(f"succeeds when <code>{_text(succeeds(step))}</code>" if step.expect else _text(succeeds(step)))
    if step.unless:
        parts.append(f"skipped when <code>{_text(step.unless)}</code>")
    if step.wait_s:
        parts.append(
            f"waits up to {_time(step.wait_s)}" + (f", asking every {_time(step.every_s)}" if step.every_s else "")
        )
    if step.timeout_s:
        parts.append(f"at most {_time(step.timeout_s)}")
    failure = f'goes on with <a href="#{step.on_failure}">{step.on_failure}</a>' if step.on_failure else fails(step)
    parts.append(f"on failure: {failure}")
    if step.recovery:
        parts.append("only after a failure")
    if step.approve:
        parts.append(
            f"<strong>needs approval by {_text(step.approve)}</strong>: pasted into the launchpad, it is refused"
        )
    if step.undo:
        parts.append(f"to take it back: {_text(step.undo)}")
    return f'<ul class="pb-bar pb-{kind}">' + "".join(f"<li>{part}</li>" for part in parts) + "</ul>"


def _refused_bar(up: str) -> str:
    return (
        '<p class="pb-bar pb-refused"><strong>Not for the launchpad.</strong> This restates, and '
        "the op refuses it there: <q>needs an approval, and this run carries none</q>. Start it by "
        f'<a href="{up}runbooks/restate-by-model.html">restate models by name</a> or '
        f'<a href="{up}runbooks/restate-by-category.html">by category</a>.</p>'
    )


def _time(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _text(text: str) -> str:
    return html.escape(text, quote=False)
