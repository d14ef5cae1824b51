"""One expression of SQL: how each of its parts bears on its value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from dagster_project.lineage.influence import (
    AGGREGATION,
    CONDITIONAL,
    DIRECT,
    SORT,
    TRANSFORMATION,
    WINDOW,
    Influence,
    composed,
)

_PASSED_ON = (exp.Alias, exp.Paren)


def parts_of(node: exp.Expr, seen_as: Influence) -> Iterable[tuple[exp.Expr, Influence | None]]:
    """The parts of an expression, each with how it bears on the whole.

    None stands for what is computed with: columns in it count, a constant in it is no value of the whole.
    """
    if isinstance(node, _PASSED_ON):
        yield node.this, seen_as
    elif isinstance(node, exp.Case):
        yield from _case(node, seen_as)
    elif isinstance(node, exp.If):
        yield node.this, composed(seen_as, CONDITIONAL)
        for branch in (node.args.get("true"), node.args.get("false")):
            if branch is not None:
                yield branch, composed(seen_as, TRANSFORMATION)
    elif isinstance(node, exp.Coalesce):
        for part in (node.this, *node.expressions):
            yield part, composed(seen_as, TRANSFORMATION)
    elif isinstance(node, exp.Window):
        yield node.this, composed(seen_as, TRANSFORMATION)
        for part in (*(node.args.get("partition_by") or ()), node.args.get("order")):
            if part is not None:
                yield part, composed(seen_as, WINDOW)
    elif isinstance(node, exp.Filter):
        yield node.this, seen_as
        yield node.expression, composed(seen_as, CONDITIONAL)
    elif isinstance(node, exp.Order):
        if node.this is not None:
            yield node.this, seen_as
        for part in node.expressions:
            yield part, composed(seen_as, SORT)
    else:
        made = AGGREGATION if isinstance(node, exp.AggFunc) else TRANSFORMATION
        for part in node.iter_expressions():
            yield part, None if seen_as.kind == DIRECT and is_constant(part) else composed(seen_as, made)


def _case(node: exp.Case, seen_as: Influence) -> Iterable[tuple[exp.Expr, Influence | None]]:
    if node.this is not None:
        yield node.this, composed(seen_as, CONDITIONAL)
    for branch in node.args["ifs"]:
        yield branch.this, composed(seen_as, CONDITIONAL)
        yield branch.args["true"], composed(seen_as, TRANSFORMATION)
    if node.args.get("default") is not None:
        yield node.args["default"], composed(seen_as, TRANSFORMATION)


def is_constant(node: exp.Expr) -> bool:
    """Whether an expression reads nothing. Functions without arguments of a window (`rank()`) are no constants."""
    return not any(
        isinstance(part, exp.Column | exp.Query | exp.Window | exp.AggFunc | exp.Star) for part in node.walk()
    )


def unnamed(node: exp.Expr) -> exp.Expr:
    while isinstance(node, _PASSED_ON):
        node = node.this
    return node


def equalities(condition: exp.Expr) -> Iterator[tuple[exp.Column, str]]:
    """The columns that a condition holds to one text, as in `source = 'nof_data' and ...`."""
    if isinstance(condition, exp.And):
        yield from equalities(condition.left)
        yield from equalities(condition.right)
    elif isinstance(condition, exp.Paren):
        yield from equalities(condition.this)
    elif isinstance(condition, exp.EQ):
        column, text = condition.left, condition.right
        if isinstance(column, exp.Column) and isinstance(text, exp.Literal) and text.is_string:
            yield column, str(text.this)
