"""The names that a module makes on demand, as far as its `__getattr__` can be read."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def served_names(tree: ast.Module) -> frozenset[str] | None:
    """The names that a module's `__getattr__` gives; None when it may give others than those that stand in it.

    It is read only when it ends by raising, and asks for the name by comparing it with texts or with what stands
    literally in the module: so the lists of deprecated or lazy names of most packages.
    """
    function = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "__getattr__"), None)
    if function is None:
        # bound by a call, as lazy loaders do, it may give anything
        names = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        return None if "__getattr__" in names else frozenset()
    if not function.args.args or not _always_raises(function.body):
        return None
    name, literals, found = function.args.args[0].arg, _literals(tree), set[str]()
    for node in ast.walk(function):
        if isinstance(node, ast.Try | ast.Match):
            return None
        test = node.test if isinstance(node, ast.If | ast.IfExp | ast.While) else None
        if test is None or not any(isinstance(item, ast.Name) and item.id == name for item in ast.walk(test)):
            continue
        compared = _compared(test, name, literals)
        if compared is None:
            return None
        found |= compared
    return frozenset(found)


def _always_raises(body: Sequence[ast.stmt]) -> bool:
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and _always_raises(last.orelse)
    return isinstance(last, ast.Raise)


def _compared(test: ast.expr, name: str, literals: dict[str, set[str]]) -> set[str] | None:
    """The texts that `name == ...` or `name in ...` asks for."""
    is_plain = isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == name
    if not is_plain or not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq | ast.In):
        return None
    against = test.comparators[0]
    if isinstance(against, ast.Name):
        return literals.get(against.id)
    return _texts(against)


def _literals(tree: ast.Module) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        texts = _texts(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and texts is not None:
                found[target.id] = texts
    return found


def _texts(node: ast.expr) -> set[str] | None:
    """The texts that a literal holds, of a dict its keys; None when it holds anything else."""
    items: list[ast.expr | None] = [node]
    if isinstance(node, ast.Dict):
        items = list(node.keys)
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        items = list(node.elts)
    texts = {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    return texts if len(texts) == len(items) or all(isinstance(item, ast.Constant) for item in items) else None
