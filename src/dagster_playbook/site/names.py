"""Names of models and jobs in a text lead to their pages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dagster_playbook.facts.facts import Facts

#: inline code that is not inside of a link or a heading, as far as what stands directly before it tells
_CODE = re.compile(r"(?<![\w\">])(?<=[ (\n])<code>([\w.]+)</code>|<td><code>([\w.]+)</code>")


@dataclass(frozen=True, slots=True)
class Names:
    """Name to the address of its page, from the site's root."""

    addresses: dict[str, str]

    def linked(self, content: str, up: str) -> str:
        """The page's HTML with each of the names in inline code as a link."""

        def link(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            address = self.addresses.get(name)
            if address is None:
                return found[0]
            before = "<td>" if found[2] else ""
            return f'{before}<a href="{up}{address}"><code>{name}</code></a>'

        return _CODE.sub(link, content)


def names_of(facts: Facts) -> Names:
    """Models, without external tables, and jobs."""
    models = {
        model.name: f"platform/models/{model.name}.html" for model in facts.models.values() if model.kind != "EXTERNAL"
    }
    jobs = {name: f"platform/jobs/{name}.html" for name in facts.jobs if not name.startswith("__")}
    return Names(models | jobs)
