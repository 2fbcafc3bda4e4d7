"""Runs a program in which every operation and every call of the domain is watched for binary floating point.

    python tests/domain/exact_numbers.py [python-decimals]

The modules between an input and its printed digits are compiled from their own source with each operation and each
call wrapped, so that an intermediate result that is a float stops the run, though it be rounded away at once. What is
printed is a hash of every digit that came out, how many values were watched, and whose decimals they were: those of C,
or with ``python-decimals`` those that are written in Python, which another implementation has.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import json
import sys
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

T = TypeVar("T")
WATCHED: Final = ("clincore.domain.", "clincore.services.repertorization", "clincore.adapters.sqlite_repertory.packed")
_NAME: Final = "__exact__"
watched_values = 0


def exact(value: T) -> T:
    """Return the value; raises AssertionError for a float or a complex number, alone or in a list or tuple."""
    global watched_values  # noqa: PLW0603
    watched_values += 1
    parts = value if isinstance(value, list | tuple) else (value,)
    assert not any(isinstance(part, float | complex) for part in parts), f"a binary floating-point number: {value!r}"
    return value


class Watching(ast.NodeTransformer):
    """Wraps operations and calls; annotations are left alone, as nothing evaluates them."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        assert not isinstance(node.value, float | complex), f"a literal {node.value!r} in line {node.lineno}"
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return self._wrapped(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        return self._wrapped(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self._wrapped(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """``x += y`` is watched as ``x = x + y`` is, where x is a name."""
        if not isinstance(node.target, ast.Name):
            assert not isinstance(node.op, ast.Div), f"a division in place in line {node.lineno}"
            return self.generic_visit(node)
        operation = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return ast.copy_location(ast.Assign([node.target], self._wrapped(operation)), node)  # type: ignore[arg-type]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node

    def _wrapped(self, node: ast.expr) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name(_NAME, ast.Load()), [node], [])


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compile from the source, never from a cache."""
        return compiled(Path(self.path).read_text(encoding="utf-8"), self.path)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(WATCHED):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


def compiled(source: str, path: str) -> CodeType:
    """Compile a module's source with everything watched."""
    code: CodeType = compile(ast.fix_missing_locations(Watching().visit(ast.parse(source))), path, "exec")
    return code


def watch() -> None:
    """Watch what is imported from now on."""
    setattr(builtins, _NAME, exact)
    sys.meta_path.insert(0, _Finder())


PAYLOADS: Final[tuple[dict[str, Any], ...]] = tuple(
    {"rubrics": [{"symptom_id": one, **extra} for one in ids], "method": method, "course": course, "top_n": 0}
    for ids in ((8, 18, 29, 71, 159, 151), (1, 2, 3, 4, 5, 6, 7), tuple(range(20, 60)), (71,))
    for extra in ({}, {"weight": 3})
    for method in ("mcare/6.1", "sum-of-grades/1", "coverage/1")
    for course in ("chronic", "acute")
)


async def everything() -> list[Any]:
    """Rankings, grids and stability margins of the starter repertory, as the JSON that is printed."""
    import clincore
    from clincore.domain.repertory import RubricTag
    from clincore.services.repertorization import repertorize

    tags = {29: RubricTag(bucket="PHYSICAL_MOD", ailments_from=True), 71: RubricTag(delusions=True)}
    with TemporaryDirectory() as cache:
        async with clincore.open("memory:", cache_directory=Path(cache), tags=tags) as core:
            return [
                (await repertorize(core.resources, clincore.CaseInput.parse(payload), stability=True)).to_json(
                    grid=True
                )
                for payload in PAYLOADS
            ]


def main() -> None:
    watch()
    answers = asyncio.run(everything())
    digest = sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()
    print(digest, watched_values, "Python" if "_pydecimal" in sys.modules else "C")


if __name__ == "__main__":
    if sys.argv[1:] == ["python-decimals"]:
        sys.modules["_decimal"] = None  # type: ignore[assignment]  # decimal then falls back on Python's own
    main()
