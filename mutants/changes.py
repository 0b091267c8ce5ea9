"""The changes to a Python file: one a mutant, to what it decides and does, not to its words."""

from __future__ import annotations

import ast
import copy
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed file: the 1-based line, and the changed statement before and after as Python spells it."""

    line: int
    before: str
    after: str
    tree: ast.Module

    @property
    def diff(self) -> str:
        """The statement before and after."""
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def mutants_of(source: str) -> Iterator[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    tree = ast.parse(source)
    for path in _paths(tree):
        node = _at(tree, path)
        for changed in _changes(node):
            mutated = copy.deepcopy(tree)
            _put(mutated, path, changed)
            ast.fix_missing_locations(mutated)
            statement = _statement_path(tree, path)
            before, after = ast.unparse(_at(tree, statement)), ast.unparse(_at(mutated, statement))
            if before != after:
                yield Mutant(node.lineno, before, after, mutated)


Path = tuple[tuple[str, int], ...]


def _paths(tree: ast.Module) -> list[Path]:
    """The place of every node that may be changed; annotations and docstrings are read by nobody at run time."""
    found: list[tuple[int, Path]] = []

    def walk(node: ast.AST, path: Path) -> None:
        if hasattr(node, "lineno"):
            found.append((node.lineno, path))
        for name, value in ast.iter_fields(node):
            # whether a class is frozen or has slots is held by the types, not by what it does
            if name in ("annotation", "returns", "decorator_list"):
                continue
            if isinstance(value, ast.AST):
                walk(value, (*path, (name, -1)))
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        walk(item, (*path, (name, index)))

    walk(tree, ())
    return [path for _, path in sorted(found, key=lambda one: one[0])]


def _at(tree: ast.AST, path: Path) -> ast.AST:
    for name, index in path:
        value = getattr(tree, name)
        tree = value if index < 0 else value[index]
    return tree


def _put(tree: ast.AST, path: Path, changed: ast.AST) -> None:
    parent = _at(tree, path[:-1])
    name, index = path[-1]
    if index < 0:
        setattr(parent, name, changed)
    else:
        getattr(parent, name)[index] = changed


def _statement_path(tree: ast.Module, path: Path) -> Path:
    """The innermost statement around a node; of one with a body, only where the change is in the body's own line."""
    while not isinstance(_at(tree, path), ast.stmt):
        path = path[:-1]
    return path


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            ops = [*node.ops]
            ops[index] = _COMPARISONS[type(operator)]()
            yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(_not(node.test), node.body, node.orelse)
    elif isinstance(node, ast.comprehension):
        return
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    elif isinstance(node, ast.Tuple | ast.Set | ast.List):
        yield from _of_display(node)


def _of_statement(node: ast.stmt) -> Iterator[ast.AST]:
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    if is_call or isinstance(node, ast.Raise | ast.AugAssign | ast.Continue | ast.Break):
        yield ast.copy_location(ast.Pass(), node)
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield ast.Return(ast.Constant(None))
    if isinstance(node, ast.If | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        changed = copy.copy(node)
        changed.test = _not(node.test)
        yield changed


def _of_constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)


def _of_display(node: ast.Tuple | ast.Set | ast.List) -> Iterator[ast.AST]:
    """One text fewer in a table of texts."""
    is_texts = all(isinstance(item, ast.Constant) and isinstance(item.value, str) for item in node.elts)
    if is_texts and len(node.elts) > 1 and not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        for index in range(len(node.elts)):
            changed = copy.copy(node)
            changed.elts = node.elts[:index] + node.elts[index + 1 :]
            yield changed


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
