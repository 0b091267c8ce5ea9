"""How SQLMesh models appear in Dagster: asset keys, groups and tags."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagster_sqlmesh import SQLMeshContextConfig, SQLMeshDagsterTranslator
from sqlglot import exp

if TYPE_CHECKING:
    from sqlmesh import Context, Model

MODEL_SCHEMA = "oso"
LAYERS = {"seed": "seeds", "stg": "staging", "int": "intermediate"}
TAG_TEXT_LIMIT = 63


class OsoTranslator(SQLMeshDagsterTranslator):
    """Models keep their full name as key; a raw table has the key of the source asset that loads it."""

    def get_asset_key_name(self, fqn: str) -> Sequence[str]:
        """`[catalog, schema, model]` of a model, `[schema, table]` of a raw table."""
        table = exp.to_table(fqn)
        return [table.catalog, table.db, table.name] if table.db == MODEL_SCHEMA else [table.db, table.name]

    def get_group_name(self, context: Context, model: Model) -> str:
        """The layer that the model's name begins with: seeds, staging, intermediate, else marts."""
        prefix = exp.to_table(model.fqn).name.partition("_")[0]
        return LAYERS.get(prefix, "marts")

    def get_tags(self, context: Context, model: Model) -> dict[str, str]:
        """`entity_category=project` as key and value; a Dagster tag key cannot hold the equals sign.

        A key that a model carries twice gets its values sorted and joined by a dot: `collection.project`.
        """
        values: dict[str, set[str]] = defaultdict(set)
        for tag in model.tags:
            key, _, value = tag.partition("=")
            values[tag_text(key)].add(tag_text(value))
        return {key: ".".join(sorted(filter(None, found))) for key, found in values.items() if key}


def tag_text(text: str) -> str:
    """`text` in the letters that Dagster allows in a tag, at most 63 of them."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text.strip())[:TAG_TEXT_LIMIT].strip("-_.")


class OsoContextConfig(SQLMeshContextConfig):
    """Where the SQLMesh project is, and that its models are translated as above."""

    def get_translator(self) -> SQLMeshDagsterTranslator:
        """A new translator: Dagster rebuilds this object from its plain fields in every process."""
        return OsoTranslator()
