"""One query: which columns of the tables it reads make each of its own columns, and which decide its rows.

sqlglot resolves names, stars, common table expressions and unions; this module walks what it resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from dagster_project.errors import LeagueError
from dagster_project.lineage.column_lineage import ColumnOrigins, TableLineage
from dagster_project.lineage.influence import (
    AGGREGATION,
    CONDITIONAL,
    COUNTED,
    DIRECT,
    FILTER,
    GROUP_BY,
    IDENTITY,
    JOIN,
    ROWS,
    SORT,
    TRANSFORMATION,
    WINDOW,
    Column,
    Influence,
    Origins,
    add,
    composed,
    through,
)

DIALECT = "duckdb"
MAIN = "main"
_PASSED_ON = (exp.Alias, exp.Paren)


def query_columns(sql: str, tables: Mapping[str, Sequence[str]], *, name: str) -> TableLineage:
    """The origins of every column of a query in DuckDB's SQL.

    `tables` gives the columns of each table `<schema>.<table>` that it may read; a name without schema is
    DuckDB's `main`. Raises LeagueError naming the query (`name`) where a column can't be resolved.
    """
    try:
        tree = parse_one(sql, dialect=DIALECT)
        if not isinstance(tree, exp.Query):
            raise LeagueError(f"{name}: expected a query; found {tree.key}.")
        mentioned = set()
        for read in tree.find_all(exp.Table):
            read.set("catalog", None)
            mentioned.add(f"{read.db or MAIN}.{read.name}")
        schema = MappingSchema(dialect=DIALECT)
        for table in mentioned & tables.keys():
            schema.add_table(table, dict.fromkeys(tables[table], "unknown"), dialect=DIALECT)
        qualified = qualify(tree, db=MAIN, schema=schema, dialect=DIALECT, quote_identifiers=False)
        scope = build_scope(qualified)
        assert scope is not None
        return _Walk(name, frozenset(tables)).query(scope)
    except SqlglotError as error:
        raise LeagueError(f"{name}: the origins of its columns can't be told: {error}") from error


class _Walk:
    """A walk through the scopes of one qualified query; each is looked at once."""

    def __init__(self, name: str, tables: frozenset[str]) -> None:
        self._name = name
        self._tables = tables
        self._known: dict[int, TableLineage] = {}

    def query(self, scope: Scope) -> TableLineage:
        """The columns of a scope."""
        if id(scope) not in self._known:
            if scope.set_operation_scopes:
                found = self._union(scope)
            elif isinstance(scope.expression, exp.Select):
                found = self._select(scope)
            else:
                found = self._listed(scope)
            self._known[id(scope)] = found
        return self._known[id(scope)]

    def _union(self, scope: Scope) -> TableLineage:
        """Columns of a union belong together by their place."""
        sides = [self.query(side) for side in scope.set_operation_scopes]
        columns: dict[str, ColumnOrigins] = {}
        for place, name in enumerate(sides[0].columns):
            columns[name] = merged = ColumnOrigins()
            for side in sides:
                one = list(side.columns.values())[place]
                add(merged.origins, one.origins)
                merged.constants |= one.constants
        rows: Origins = {}
        for side in sides:
            add(rows, side.rows)
        if scope.expression.args.get("distinct"):
            for column in columns.values():
                add(rows, through(GROUP_BY, column.origins))
        return TableLineage(columns, rows, _held([(side.rows, side.held) for side in sides]))

    def _select(self, scope: Scope) -> TableLineage:
        rows = self._rows(scope)
        columns = {}
        for projection in scope.expression.expressions:
            found = ColumnOrigins()
            self._collect(projection, scope, IDENTITY, found, rows)
            columns[projection.alias_or_name] = found
        if scope.expression.args.get("distinct"):
            for column in columns.values():
                add(rows, through(GROUP_BY, column.origins))
        return TableLineage(columns, rows, self._texts_held(scope))

    def _listed(self, scope: Scope) -> TableLineage:
        """A list of rows within the query (`values`, `unnest`): each column may be any part of it."""
        listed = scope.expression
        named = listed if listed.alias_column_names or listed.alias else listed.parent
        if not isinstance(listed, exp.UDTF) or named is None:
            raise LeagueError(f"{self._name}: expected a select or a list of rows; found {listed.key}.")
        names = named.alias_column_names or [named.alias]
        columns = {name: ColumnOrigins() for name in names}
        for row in listed.iter_expressions():
            if isinstance(row, exp.TableAlias):
                continue
            cells = (
                row.expressions if isinstance(row, exp.Tuple) and len(row.expressions) == len(names) else []
            )
            for place, found in enumerate(columns.values()):
                self._collect(cells[place] if cells else row, scope, IDENTITY, found, {})
        return TableLineage(columns, {})

    def _rows(self, scope: Scope) -> Origins:
        """What decides about the rows of a select: the rows it reads, joins, conditions, groups, and limits."""
        select, rows = scope.expression, Origins()
        for _, source in scope.selected_sources.values():
            if isinstance(source, Scope):
                add(rows, through(TRANSFORMATION, self.query(source).rows))
            elif not _is_function(source):
                add(rows, {Column(self._table(source), ROWS): [COUNTED]})
        decided: list[tuple[Influence, Iterable[exp.Expr | None]]] = [
            (JOIN, [join.args.get("on") for join in select.args.get("joins") or ()]),
            (FILTER, [select.args.get("where"), select.args.get("having"), select.args.get("qualify")]),
            (GROUP_BY, [select.args.get("group")]),
            (SORT, [select.args.get("order") if select.args.get("limit") else None]),
        ]
        for influence, expressions in decided:
            for expression in expressions:
                if expression is not None:
                    found = ColumnOrigins()
                    self._collect(expression, scope, influence, found, {})
                    add(rows, found.origins)
        return rows

    def _texts_held(self, scope: Scope) -> dict[Column, frozenset[str]]:
        """The columns of tables that a select holds to stated texts, itself or in what it reads."""
        read: list[tuple[Origins, Mapping[Column, frozenset[str]]]] = []
        for _, source in scope.selected_sources.values():
            if isinstance(source, Scope):
                read.append((self.query(source).rows, self.query(source).held))
            elif not _is_function(source):
                read.append(({Column(self._table(source), ROWS): frozenset({COUNTED})}, {}))
        held = _held(read)
        where = scope.expression.args.get("where")
        for column, text in _equalities(where.this) if where is not None else ():
            origins = self._of_column(column, scope).origins
            if len(origins) == 1:
                held[next(iter(origins))] = frozenset({text})
        return held

    def _collect(
        self, node: exp.Expr, scope: Scope, seen_as: Influence, into: ColumnOrigins, rows: Origins
    ) -> None:
        """Adds the origins of an expression, each as `seen_as` has it from where the expression stands.

        `rows` are those of the select: what a `count(*)` counts.
        """
        if isinstance(node, exp.Column):
            found = self._of_column(node, scope)
            add(into.origins, through(seen_as, found.origins))
            into.constants |= found.constants if seen_as.kind == DIRECT else set()
            return
        if isinstance(node, exp.Query):
            self._of_subquery(node, scope, seen_as, into)
            return
        if isinstance(node, exp.Count) and not any(node.find_all(exp.Column)):
            add(into.origins, through(GROUP_BY if seen_as.kind == DIRECT else seen_as, rows))
            return
        if _is_constant(node):
            if seen_as.kind == DIRECT:
                into.constants.add(_unnamed(node).sql(dialect=DIALECT))
            return
        for part, as_ in _parts_of(node, seen_as):
            if as_ is not None:
                self._collect(part, scope, as_, into, rows)
            elif not _is_constant(part):
                self._collect(part, scope, TRANSFORMATION, into, rows)

    def _of_column(self, column: exp.Column, scope: Scope) -> ColumnOrigins:
        source = self._source(column, scope)
        if not isinstance(source, Scope):
            if _is_function(source):
                return self._of_function(source.this, scope)
            return ColumnOrigins({Column(self._table(source), column.name): frozenset({IDENTITY})})
        found = self.query(source).columns.get(column.name)
        if found is None:
            raise LeagueError(f"{self._name}: {column.sql()} isn't a column of what it is read from.")
        return found

    def _source(self, column: exp.Column, scope: Scope) -> Scope | exp.Expr:
        """What a column is read from: a source of its own scope, or of one around it."""
        around: Scope | None = scope
        while around is not None:
            if column.table in around.sources:
                source: Scope | exp.Expr = around.sources[column.table]
                return source
            around = around.parent
        raise LeagueError(f"{self._name}: expected {column.sql()} to be read from a table; found none.")

    def _table(self, source: exp.Expr) -> str:
        table = f"{source.args['db'].name}.{source.name}"
        if table not in self._tables:
            raise LeagueError(f"{self._name}: it reads {table}, which isn't a table of the project.")
        return table

    def _of_function(self, function: exp.Expr, scope: Scope) -> ColumnOrigins:
        """A column of a function that gives rows, such as `range(1, 5)`: its arguments, or itself as a constant."""
        found = ColumnOrigins()
        for part in function.iter_expressions():
            self._collect(part, scope, TRANSFORMATION, found, {})
        if not found.origins:
            found.constants = {function.sql(dialect=DIALECT)}
        return found

    def _of_subquery(self, node: exp.Expr, scope: Scope, seen_as: Influence, into: ColumnOrigins) -> None:
        inner = node.unnest() if isinstance(node, exp.Subquery) else node
        for candidate in scope.subquery_scopes:
            if candidate.expression is inner:
                found = self.query(candidate)
                decided = FILTER if seen_as.kind == DIRECT else seen_as
                add(into.origins, through(decided, found.rows))
                for column in found.columns.values():
                    add(into.origins, through(composed(seen_as, TRANSFORMATION), column.origins))
                    into.constants |= column.constants if seen_as.kind == DIRECT else set()
                return
        raise LeagueError(f"{self._name}: a query within it can't be resolved: {node.sql(dialect=DIALECT)}")


def _held(
    read: Sequence[tuple[Origins, Mapping[Column, frozenset[str]]]],
) -> dict[Column, frozenset[str]]:
    """What is held to texts by everything that reads the table; one that reads it all holds it to nothing."""
    held: dict[Column, frozenset[str]] = {}
    for column in {column for _, texts in read for column in texts}:
        readers = [texts for rows, texts in read if Column(column.table, ROWS) in rows]
        if all(column in texts for texts in readers):
            held[column] = frozenset(text for texts in readers for text in texts[column])
    return held


def _is_function(source: exp.Expr) -> bool:
    return isinstance(source, exp.Table) and not isinstance(source.this, exp.Identifier)


def _parts_of(node: exp.Expr, seen_as: Influence) -> Iterable[tuple[exp.Expr, Influence | None]]:
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
            yield part, None if seen_as.kind == DIRECT and _is_constant(part) else composed(seen_as, made)


def _case(node: exp.Case, seen_as: Influence) -> Iterable[tuple[exp.Expr, Influence | None]]:
    if node.this is not None:
        yield node.this, composed(seen_as, CONDITIONAL)
    for branch in node.args["ifs"]:
        yield branch.this, composed(seen_as, CONDITIONAL)
        yield branch.args["true"], composed(seen_as, TRANSFORMATION)
    if node.args.get("default") is not None:
        yield node.args["default"], composed(seen_as, TRANSFORMATION)


def _is_constant(node: exp.Expr) -> bool:
    """Whether an expression reads nothing. Functions without arguments of a window (`rank()`) are no constants."""
    return not any(
        isinstance(part, exp.Column | exp.Query | exp.Window | exp.AggFunc | exp.Star) for part in node.walk()
    )


def _unnamed(node: exp.Expr) -> exp.Expr:
    while isinstance(node, _PASSED_ON):
        node = node.this
    return node


def _equalities(condition: exp.Expr) -> Iterator[tuple[exp.Column, str]]:
    """The columns that a condition holds to one text, as in `source = 'nof_data' and ...`."""
    if isinstance(condition, exp.And):
        yield from _equalities(condition.left)
        yield from _equalities(condition.right)
    elif isinstance(condition, exp.Paren):
        yield from _equalities(condition.this)
    elif isinstance(condition, exp.EQ):
        column, text = condition.left, condition.right
        if isinstance(column, exp.Column) and isinstance(text, exp.Literal) and text.is_string:
            yield column, str(text.this)
