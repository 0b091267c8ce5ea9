"""How names of one project in different sources become one identifier."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def oso_project_id(evaluator: MacroEvaluator, name: exp.Expression) -> exp.Expression:
    """`pypi/` and the name, normalised as the packaging specification says: lower case, one dash between words."""
    normalized = exp.Lower(
        this=exp.RegexpReplace(this=name, expression=exp.Literal.string("[-_.]+"), replacement=exp.Literal.string("-"))
    )
    return exp.Concat(expressions=[exp.Literal.string("pypi/"), normalized])


@macro()
def oso_collection_id(evaluator: MacroEvaluator, name: exp.Expression) -> exp.Expression:
    """`trove/` and the collection's name."""
    return exp.Concat(expressions=[exp.Literal.string("trove/"), name])
