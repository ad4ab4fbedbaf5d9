"""Components by file name, plug-ins and entry points."""

import subprocess
import sys

import pytest

from dltk.config import plugins, registry
from dltk.config.errors import MissingInput, Unavailable, UsageError
from dltk.config.settings import help_texts

CONFIG = "from typing import ClassVar\nfrom dltk.config.settings import Settings\nclass Config(Settings):\n"
SOURCES = {
    "models": f'"""Mine: a model."""\n{CONFIG}    role: ClassVar[str] = "predictor"\ndef build(c, s, p): ...\n',
    "tasks": f'"""Mine: a task."""\n{CONFIG}    needs: ClassVar[str] = "x"\ndef build(c, s, p): ...\n',
    "datasets": f'"""Mine: a dataset."""\n{CONFIG}    x: int = 3\n'
    "def describe(c): ...\ndef read(c): ...\ndef prepare(c, t): ...\ndef restore(c, s): ...\n",
}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    registry._all_installed.cache_clear()
    yield
    registry._all_installed.cache_clear()


@pytest.fixture
def plugin(tmp_path):
    def write(source=SOURCES["models"], name="mine.py", folder="a"):
        (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / folder / name
        path.write_text(source)
        return path

    return write


@pytest.mark.parametrize("kind", registry.KINDS)
def test_the_files_of_a_folder_are_its_components(kind):
    shipped = registry.shipped(kind)
    assert shipped == sorted(shipped)
    assert shipped
    assert not [name for name in shipped if name.startswith("_")]
    assert all(registry.summary(kind, name).endswith(".") for name in shipped)


@pytest.mark.parametrize("kind", registry.KINDS)
def test_a_plugin_is_known_by_what_it_defines(plugin, kind):
    path = plugin(SOURCES[kind])
    found = plugins.use_plugin(path)
    assert (found.kind, found.name, found.path) == (kind, "mine", path)
    assert "mine" in registry.names(kind)
    assert registry.joined(kind) == ["mine"]
    assert registry.is_plugin(kind, "mine")
    assert registry.load(kind, "mine") is found.module
    assert registry.summary(kind, "mine") == f"Mine: a {kind[:-1]}."
    assert registry.plugins() == [found]
    assert not (path.parent / "__pycache__").exists()


def test_the_options_of_a_plugin_have_their_help(plugin):
    source = SOURCES["models"].replace("def build", '    x: int = 3\n    """How many."""\ndef build')
    assert help_texts(plugins.use_plugin(plugin(source)).module.Config) == {"x": "How many."}


def test_the_same_file_is_loaded_once_and_a_changed_one_anew(plugin):
    path = plugin()
    first = plugins.use_plugin(path)
    assert plugins.use_plugin(path) is first
    path.write_text(SOURCES["models"].replace("predictor", "estimator"))
    second = plugins.use_plugin(path)
    assert (first.module.Config.role, second.module.Config.role) == ("predictor", "estimator")
    assert registry.plugins() == [second]
    assert first.sha256 != second.sha256


def test_two_plugins_of_one_name_are_refused(plugin):
    plugins.use_plugin(plugin())
    with pytest.raises(UsageError, match=r"two plug-ins are called 'mine.py'"):
        plugins.use_plugin(plugin(SOURCES["models"] + "# other", folder="b"))


@pytest.mark.parametrize("name", ["My-Model.py", "_mine.py", "1st.py", "a.b.py", "mine.txt", "mine", "größe.py"])
def test_a_plugin_file_name_is_a_lower_case_word(plugin, name):
    with pytest.raises(UsageError, match=r"lower-case word such as my_model\.py") as caught:
        plugins.use_plugin(plugin(name=name))
    assert caught.value.code == 2


@pytest.mark.parametrize(("kind", "name"), [("models", "mlp"), ("datasets", "digits"), ("tasks", "regression")])
def test_a_plugin_does_not_replace_what_is_shipped(plugin, kind, name):
    with pytest.raises(UsageError, match=f"would replace dltk's own {kind[:-1]} '{name}'"):
        plugins.use_plugin(plugin(SOURCES[kind], f"{name}.py"))
    assert registry.plugins() == []


@pytest.mark.parametrize("path", ["no.py", "."])
def test_a_missing_plugin_is_missing_input(tmp_path, path):
    with pytest.raises(MissingInput, match="there is no plug-in file") as caught:
        plugins.use_plugin(tmp_path / path)
    assert caught.value.code == 66
    assert caught.value.where == str(tmp_path / path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 3", "'mine.py' is no component"),
        ("class Config: pass", "'mine.py' is no component"),
        (CONFIG + "    role: str = 'predictor'\n", "'mine.py' is no component"),
        (SOURCES["models"].replace("def build", "def make"), "the model 'mine.py' does not define build"),
        (SOURCES["datasets"].replace("def re", "def "), "'mine.py' is no component"),
        (SOURCES["datasets"].replace("def prepare", "def _p").replace("def restore", "def _r"),
         "the dataset 'mine.py' does not define prepare, restore"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_component_is_refused(plugin, source, message):
    with pytest.raises(UsageError, match=message):
        plugins.use_plugin(plugin(source))


@pytest.mark.parametrize(
    ("source", "line", "found"),
    [
        ("x = 1\nx = (", 2, "SyntaxError: '(' was never closed"),
        ("import no_such_package", 1, "ModuleNotFoundError: No module named 'no_such_package'"),
        ("def f():\n    return 1 / 0\nf()", 2, "ZeroDivisionError: division by zero"),
        ("\nraise ValueError('\x1b[2J')".replace("\x1b", "\\x1b"), 2, "ValueError: \\x1b[2J"),
        ("from dltk.config.settings import Settings\nclass Config(Settings):\n    x = 3", 2, "PydanticUserError"),
    ],
)
def test_a_plugin_that_fails_is_told_with_its_line(plugin, source, line, found):
    path = plugin(source)
    with pytest.raises(UsageError, match="cannot be imported") as caught:
        plugins.use_plugin(path)
    assert caught.value.where == f"{path}:{line}"
    assert caught.value.found.startswith(found)
    assert not [name for name in sys.modules if name.startswith("dltk_plugin_mine") and name in str(path)]


@pytest.mark.parametrize("name", ["os.system", "../config/errors", "mlp/../lenet", "os:system", "__init__", "", "MLP"])
@pytest.mark.parametrize("kind", registry.KINDS)
def test_only_listed_names_are_loaded(kind, name):
    with pytest.raises(UsageError, match=f"there is no {kind[:-1]} ") as caught:
        registry.load(kind, name)
    assert "available: " in caught.value.message
    with pytest.raises(UsageError, match=f"there is no {kind[:-1]} "):
        registry.summary(kind, name)


def test_an_unknown_name_gets_the_nearest():
    assert registry.unknown("models", "lenett").startswith(
        "there is no model 'lenett'; did you mean 'lenet'? available"
    )


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    def install(points, **modules):
        info = tmp_path / "extra-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(points)
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


def test_installed_entry_points_join(distribution):
    distribution("[dltk.models]\nextra_model = extra_code\nmlp = extra_code\nBad-Name = extra_code\n",
                 extra_code=SOURCES["models"])  # fmt: skip
    assert registry.joined("models") == ["extra_model"]
    assert registry.is_plugin("models", "extra_model")
    assert registry.summary("models", "extra_model") == "from extra_code"
    assert registry.load("models", "extra_model").Config.role == "predictor"


def test_a_broken_entry_point_says_what_it_needs(distribution):
    distribution(
        "[dltk.models]\nneedy = needy_code\nattribute = needy_free:Config\n",
        needy_code="import no_such_package", needy_free=SOURCES["models"],
    )  # fmt: skip
    with pytest.raises(Unavailable, match="model 'needy' needs the package 'no_such_package'"):
        registry.load("models", "needy")
    with pytest.raises(UsageError, match="the entry point model 'attribute' must name a module"):
        registry.load("models", "attribute")


def test_a_plugin_does_not_replace_an_installed_one(distribution, plugin):
    distribution("[dltk.models]\nmine = extra_code\n", extra_code=SOURCES["models"])
    with pytest.raises(UsageError, match="would replace"):
        plugins.use_plugin(plugin())


def test_the_config_layer_needs_neither_torch_nor_numpy():
    code = (
        "import sys, dltk, dltk.config.checking, dltk.config.document, dltk.config.errors, dltk.config.matching, "
        "dltk.config.overrides, dltk.config.plugins, dltk.config.registry, dltk.config.schema, dltk.config.sections, "
        "dltk.config.seeds, dltk.config.settings; from dltk.config import differing, registry, schema; "
        "[registry.summary(k, n) for k in registry.KINDS for n in registry.names(k)]; "
        "differing.check({'data': {'name': 'digits'}, 'model': {'name': 'mlp'}}); "
        "print([m for m in ('torch', 'numpy', 'pandas', 'sklearn', 'typer') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
