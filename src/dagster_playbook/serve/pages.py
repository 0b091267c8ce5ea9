"""The live pages: templates whose every value is escaped, and what each of them is told."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dagster_playbook.claims.runbook_model import Kind, Parameter, Runbook
from dagster_playbook.serve.people import Person
from dagster_playbook.serve.serving import Serving

HERE = Path(__file__).parent
#: where the live pages are, beside the pages of the built site
LIVE = "/-"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["seconds"] = _seconds
    made.globals["live"] = LIVE
    return made


def render(name: str, /, **told: Any) -> str:
    """A template's text."""
    return _templates().get_template(name).render(**told)


def page(request: Request, serving: Serving, name: str, /, *, status: int = 200, **told: Any) -> HTMLResponse:
    """A live page, with tokens for its forms."""
    person: Person | None = request.scope.get("person")
    text = render(name, person=person, token=token_maker(request, serving), target=serving.target, **told)
    return HTMLResponse(text, status)


def token_maker(request: Request, serving: Serving) -> Any:
    """Makes the token of a form from the address that it is sent to."""
    return lambda address: serving.tokens.make(request.scope["session"], address)


def form_fields(runbook: Runbook) -> list[dict[str, Any]]:
    """What a form asks for each parameter; a list has a line an item."""
    return [_field(parameter) for parameter in runbook.parameters.values() if not parameter.secret]


def questions(runbook: Runbook) -> list[dict[str, str]]:
    """The steps that ask, with their text and the answer on which they succeed."""
    return [
        {"step": step.id, "title": step.title, "text": step.fence.body, "wanted": step.subject}
        for step in runbook.steps
        if step.kind is Kind.ASK and not step.recovery
    ]


def secrets_of(runbook: Runbook) -> list[str]:
    """Parameters whose values no page takes."""
    return [name for name, parameter in runbook.parameters.items() if parameter.secret]


def _field(parameter: Parameter) -> dict[str, Any]:
    shown = parameter.example if parameter.example is not None else parameter.default
    example = "\n".join(map(str, shown)) if isinstance(shown, list) else "" if shown is None else str(shown)
    choices = [str(choice) for choice in parameter.choices]
    if parameter.item_type == "boolean" and not parameter.is_list:
        choices = ["true", "false"]
    return {
        "name": parameter.name,
        "help": parameter.help,
        "type": parameter.type,
        "required": parameter.required,
        "is_list": parameter.is_list,
        "is_date": parameter.type == "date",
        "choices": choices if not parameter.is_list else [],
        "example": example,
    }


def _seconds(begun: str, ended: str) -> str:
    """How long something took between two times in ISO 8601."""
    try:
        took = (dt.datetime.fromisoformat(ended) - dt.datetime.fromisoformat(begun)).total_seconds()
    except ValueError:
        return ""
    return f"{took:.1f} s" if took < 60 else f"{int(took // 60)}:{int(took % 60):02d} min"
