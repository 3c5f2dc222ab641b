"""Writes docs/reference/python.md: the public names of the package `linprobe`, as its sources declare and document them.

    python scripts/python_reference.py            # writes the page
    python scripts/python_reference.py --check    # fails if the page is not what it would write

Sources are parsed and never imported, so that neither the native half nor NumPy is needed. The native half itself
(`_native.pyi`) is no part of the page: nobody but the package calls it.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "linprobe"
PAGE = ROOT / "docs" / "reference" / "python.md"

OPENING = """\
# Reference: Python

Made of the package's own documentation by `cargo xtask docs`; [Python](../python.md) is the tour. Examples are run by the
package's tests. Types stand in the package, too (`py.typed`), for editors and type checkers.
"""

#: The headings of a docstring, in numpydoc's form.
SECTIONS = ("Parameters", "Attributes", "Returns", "Raises", "Examples", "Notes", "See Also", "Yields", "Warns")


def main() -> int:
    written = page()
    if "--check" in sys.argv[1:]:
        same = PAGE.read_text(encoding="utf-8") == written
        if not same:
            print(f"{PAGE.relative_to(ROOT)} is out of date\nhint: cargo xtask docs", file=sys.stderr)
        return 0 if same else 1
    PAGE.write_text(written, encoding="utf-8")
    return 0


def page() -> str:
    package = parsed("__init__")
    public = [name for name in exported(package) if not name.startswith("__")]
    nodes = {name: node for name, node in definitions(package) if name in public}
    errors = [name for name in public if name.endswith("Error")]
    parts = [OPENING, prose(ast.get_docstring(package) or "")]
    for name in [name for name in public if name not in errors]:
        parts.extend(described(nodes[name]))
    parts += ["## Exceptions", prose(ast.get_docstring(parsed("errors")) or "")]
    for name in errors:
        node = nodes[name]
        bases = " and ".join(f"`{ast.unparse(base)}`" for base in node.bases)
        parts += [f"### {name}", f"It is an {bases}." if bases.startswith("`E") else f"It is a {bases}.", prose(ast.get_docstring(node) or "")]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def parsed(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))


def exported(package: ast.Module) -> list[str]:
    for node in package.body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets):
            return ast.literal_eval(node.value)
    raise SystemExit("the package has no __all__")


def definitions(package: ast.Module) -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes that the package takes from its modules; of one that is passed on, those of the module that defines it."""
    for node in package.body:
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module and node.module != "_native":
            names = {alias.name for alias in node.names}
            module = parsed(node.module)
            yield from ((own.name, own) for own in module.body if isinstance(own, ast.ClassDef) and own.name in names)
            yield from definitions(module)


def described(node: ast.ClassDef) -> Iterator[str]:
    yield f"## {node.name}"
    start = next((own for own in functions(node) if own.name == "__init__"), None)
    # What takes something native is made by the package alone, as the results of its methods are.
    if start and "_native" not in signature(start):
        yield code(f"{node.name}({signature(start)})")
    yield prose(ast.get_docstring(node) or "")
    bases = [ast.unparse(base) for base in node.bases]
    if bases:
        yield f"It has all of {', '.join(f'`{base}`' for base in bases)}."
    yield "\n".join(members(node))
    for own in functions(node):
        if own.name.startswith("_") or is_property(own):
            continue
        yield f"### {node.name}.{own.name}"
        decorators = "".join(f"@{ast.unparse(each)}\n" for each in own.decorator_list)
        returns = f" -> {ast.unparse(own.returns)}" if own.returns else ""
        yield code(f"{decorators}def {own.name}({signature(own)}){returns}")
        yield prose(ast.get_docstring(own) or "")


def functions(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """The methods of a class; of an overloaded one, the last, which is the one that there is."""
    found = [own for own in node.body if isinstance(own, ast.FunctionDef)]
    return [own for own in found if "overload" not in map(ast.unparse, own.decorator_list)]


def is_property(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(each) == "property" for each in node.decorator_list)


def own_fields(node: ast.ClassDef) -> Iterator[tuple[ast.AnnAssign, str]]:
    """The fields that a class declares, with the string that stands below each."""
    for own, below in zip(node.body, [*node.body[1:], None]):
        if isinstance(own, ast.AnnAssign) and not ast.unparse(own.target).startswith("_"):
            said = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            yield own, str(below.value.value) if said else ""


def members(node: ast.ClassDef) -> Iterator[str]:
    """A line for each field and property."""
    told = "Attributes\n" in (ast.get_docstring(node) or "")
    for own, words in own_fields(node):
        if not told:
            yield f"- `{ast.unparse(own.target)}`: `{ast.unparse(own.annotation)}`. {inline(words)}".rstrip()
    for own in functions(node):
        if is_property(own) and not own.name.startswith("_"):
            of = f": `{ast.unparse(own.returns)}`" if own.returns else ""
            yield f"- `{own.name}`{of}. {inline(ast.get_docstring(own) or '')}"


def signature(node: ast.FunctionDef) -> str:
    arguments = node.args
    bound = not any(ast.unparse(each) == "staticmethod" for each in node.decorator_list)
    without_self = ast.parse(f"def f({ast.unparse(arguments)}): ...").body[0].args
    if bound and without_self.args:
        del without_self.args[0]
    return ast.unparse(without_self)


def code(text: str) -> str:
    if max(map(len, text.splitlines())) > 100:
        text = wrapped(text)
    return f"```python\n{text}\n```"


def wrapped(text: str) -> str:
    """A long signature, an argument a line."""
    head, _, rest = text.partition("(")
    arguments, _, tail = rest.rpartition(")")
    lines, depth = [""], 0
    for sign in arguments:
        depth += (sign in "[(") - (sign in "])")
        if sign == "," and depth == 0:
            lines.append("")
        else:
            lines[-1] += sign
    body = "".join(f"    {line.strip()},\n" for line in lines)
    return f"{head}(\n{body}){tail}"


def inline(words: str) -> str:
    """Words in one paragraph, in Markdown in place of reStructuredText."""
    words = re.sub(r":\w+:`~?\.?([^`]+)`", r"`\1`", words)
    return " ".join(words.replace("``", "`").split())


def prose(docstring: str) -> str:
    """A docstring in Markdown: its examples as code, the entries of its sections as a list."""
    parts: list[str] = []
    section = ""
    for block in re.split(r"\n\s*\n", docstring):
        lines = block.strip("\n").splitlines()
        if len(lines) > 1 and lines[0].strip() in SECTIONS and set(lines[1].strip()) == {"-"}:
            section = lines[0].strip()
            parts.append(f"**{section}**")
            lines = lines[2:]
        if not lines:
            continue
        if lines[0].startswith(">>>"):
            parts.append("```python\n" + "\n".join(lines) + "\n```")
        elif section in ("", "Examples", "Notes"):
            parts.append(inline("\n".join(lines)))
        else:
            parts.append("\n".join(entries(lines)))
    return "\n\n".join(part for part in parts if part)


def entries(lines: list[str]) -> Iterator[str]:
    """The entries of a section: a name or a type at the margin, and what it is, further in."""
    text = "\n".join(lines)
    for entry in re.split(r"\n(?=\S)", text):
        head, _, rest = entry.partition("\n")
        name, colon, kind = head.partition(" : ")
        of = f" ({inline(kind)})" if colon else ""
        yield f"- `{name.strip()}`{of}: {inline(textwrap.dedent(rest))}" if rest else f"- `{name.strip()}`{of}"


if __name__ == "__main__":
    sys.exit(main())
