"""What no line of dltk may do; import-linter checks the layers, scripts/check runs it."""

import ast
from pathlib import Path

import pytest

import dltk
from dltk.config import registry

PACKAGE = Path(dltk.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
COMPONENTS = [path for path in FILES if path.parent.name in registry.KINDS and path.stem != "__init__"]
CATCHES_ALL = PACKAGE / "cli" / "app.py"
DANGEROUS_CALLS = {
    "eval": "runs text as code",
    "exec": "runs text as code",
    "compile": "turns text into code",
    "__import__": "imports what a text names",
    "os.system": "runs a command",
    "os.popen": "runs a command",
    "torch.load": "unpickles; safetensors hold weights",
    "torch.jit.load": "runs what a file holds",
    "np.load": "may unpickle",
    "numpy.load": "may unpickle",
    "pd.read_pickle": "unpickles",
    "yaml.load": "builds objects; the document reader composes plain values",
    "yaml.unsafe_load": "builds objects",
    "yaml.full_load": "builds objects",
}
DANGEROUS_METHODS = {"extractall": "leaves the folder; data/archives.py has its own extractor"}
READS_FOREIGN = PACKAGE / "nn" / "foreign.py"
"""The one place that reads other programs' pickled weights, restricted to tensors and plain containers."""
DANGEROUS_MODULES = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
CONNECTS = PACKAGE / "data" / "transfer.py"
"""The one place that opens connections: to https, for data sets that are not there."""
CONNECTING_MODULES = {"socket", "http", "urllib", "ssl", "ftplib", "requests", "httpx", "xmlrpc", "socketserver"}
HARMLESS_MODULES = {"urllib.parse", "urllib.parse.urlsplit", "urllib.parse.quote"}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported_by(path: Path) -> set[str]:
    """Return the full names of all modules that a file imports, wherever."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def spelled(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


every_file = pytest.mark.parametrize("path", FILES, ids=spelled)


@pytest.mark.parametrize("path", COMPONENTS, ids=spelled)
def test_a_component_imports_no_other_component(path):
    kinds = tuple(f"dltk.{kind}." for kind in registry.KINDS)
    assert [name for name in imported_by(path) if name.startswith(kinds)] == []


@pytest.mark.parametrize("path", [path for path in FILES if path not in COMPONENTS], ids=spelled)
def test_the_machinery_names_no_component(path):
    kinds = tuple(f"dltk.{kind}" for kind in registry.KINDS)
    assert [name for name in imported_by(path) if name.startswith(kinds)] == []


@every_file
def test_only_the_command_line_catches_everything(path):
    handlers = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ExceptHandler)]
    caught = [ast.unparse(node.type) if node.type else "everything" for node in handlers]
    too_much = [what for what in caught if what in {"everything", "Exception", "BaseException"}]
    assert too_much == (["Exception"] if path == CATCHES_ALL else [])


@every_file
def test_nothing_from_a_file_is_executed(path):
    calls = [ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    allowed = {"torch.load"} if path == READS_FOREIGN else set()
    wrong = [f"{call} {DANGEROUS_CALLS[call]}" for call in calls if call in DANGEROUS_CALLS and call not in allowed]
    methods = [call.rpartition(".")[2] for call in calls if "." in call]
    wrong += [f"{method} {DANGEROUS_METHODS[method]}" for method in methods if method in DANGEROUS_METHODS]
    assert wrong == []
    imported = imported_by(path) - ({"pickle", "pickle.UnpicklingError"} if path == READS_FOREIGN else set())
    assert {name.partition(".")[0] for name in imported} & DANGEROUS_MODULES == set()


@every_file
def test_no_file_opens_connections_or_shells_but_the_one_that_downloads(path):
    imported = imported_by(path) - HARMLESS_MODULES
    assert path == CONNECTS or {name.partition(".")[0] for name in imported} & CONNECTING_MODULES == set()
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    shells = [one for node in calls for one in node.keywords if one.arg == "shell"]
    assert shells == []
    listens = [ast.unparse(node.func) for node in calls if ast.unparse(node.func).endswith((".bind", ".listen"))]
    assert listens == []


def test_foreign_weights_are_read_without_running_anything():
    calls = [node for node in ast.walk(tree_of(READS_FOREIGN)) if isinstance(node, ast.Call)]
    loads = [node for node in calls if ast.unparse(node.func) == "torch.load"]
    assert [[ast.unparse(one.value) for one in node.keywords if one.arg == "weights_only"] for node in loads] == [
        ["True"]
    ]


@every_file
def test_imports_stand_at_the_top_of_a_file(path):
    """Only the commands, and the package itself, wait with imports until they are needed."""
    if path.parent == PACKAGE / "cli" or path in {PACKAGE / "__init__.py", PACKAGE / "__main__.py"}:
        return
    functions = [node for node in ast.walk(tree_of(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inside = [
        ast.unparse(node)
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert inside == []


@every_file
def test_the_first_line_says_what_a_file_is(path):
    first = (ast.get_docstring(tree_of(path)) or "").split("\n\n")[0]
    assert first.endswith(".")
    assert "\n" not in first
