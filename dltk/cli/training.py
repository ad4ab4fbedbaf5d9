"""`dltk train` and `dltk cv`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dltk.cli import completing
from dltk.cli.answers import print_json, print_lines
from dltk.cli.flags import (
    Debug,
    Device,
    Json,
    NoProgress,
    Offline,
    Overrides,
    Plugins,
    Quiet,
    RunsDir,
    Verbose,
    limits_of,
    refuse_contradictions,
    use_network,
    use_plugins,
    with_device,
)
from dltk.cli.machinery import load_machinery
from dltk.config.errors import UsageError, shown

if TYPE_CHECKING:
    from dltk.experiment import Run
    from dltk.study.spread import Spread
    from dltk.training.signals import Stopped

Config = Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.", autocompletion=completing.config_files)]


def train(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="A YAML file; --resume RUN needs none.",
            show_default=False,
            autocompletion=completing.config_files,
        ),
    ] = "",
    overrides: Overrides = None,
    output_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="The exact run directory.")] = None,
    runs_dir: RunsDir = Path("runs"),
    device: Device = None,
    seed: Annotated[int | None, typer.Option(help="The same as seed=...")] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Train with the seeds 0 to N-1, into DIR/seed-<k>.")
    ] = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="RUN",
            autocompletion=completing.runs,
            help="Go on with a run; auto: the newest unfinished one.",
            show_default=False,
        ),
    ] = "",
    fork: Annotated[
        bool, typer.Option("--fork", help="With --resume RUN: a new run from its checkpoint, with other settings.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and build everything, train nothing, print the full config.")
    ] = False,
    max_time: Annotated[
        str,
        typer.Option(
            "--max-time", metavar="TIME", help="Stop with a checkpoint after 90s, 30m, 2h or 1h30m.", show_default=False
        ),
    ] = "",
    grace: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="After SIGTERM: stop without a checkpoint where the step and it take longer."
        ),
    ] = "25s",
    overfit_batches: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Learn only N batches by heart, to see that the model can."),
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_progress: NoProgress = False,
    offline: Offline = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Train a model as a config says."""
    use_plugins(plugin)
    extra = [f"seed={seed}"] if seed is not None else []
    extra += [f"train.overfit_batches={overfit_batches}"] if overfit_batches is not None else []
    limits = limits_of(max_time, grace)
    goes_on = resume not in {"", "auto"}
    _refuse_contradictory(goes_on=goes_on, fork=fork, output_dir=output_dir, dry_run=dry_run, seeds=seeds, seed=seed)
    texts = [*([config] if goes_on and config else []), *with_device(overrides, device), *extra]
    if goes_on:
        from dltk.training.runs.rundir import find_run

        _refuse_config(config)
        find_run(resume, runs_dir)
    else:
        check_config_of(config, texts)
    use_network(offline=offline, quiet=quiet, no_progress=no_progress)
    load_machinery()
    from dltk.experiment import RunOptions, check
    from dltk.experiment import fork as fork_run
    from dltk.experiment import train as train_run
    from dltk.study.seeds import over_seeds
    from dltk.training.loggers import Screen

    if dry_run:
        return _print_check(check(config, texts, Screen(quiet=quiet or json_)), as_json=json_)
    options = RunOptions(output_dir, runs_dir, resume, quiet, False if no_progress else None, verbose, limits)
    if seeds is not None:
        return _until_stopped(
            lambda: _print_spread(over_seeds(config, texts, seeds, options), as_json=json_),
            as_json=json_,
            is_study=True,
        )

    def work() -> None:
        run = fork_run(resume, texts, options) if fork else train_run(config or None, texts, options)
        print_end(run, as_json=json_, quiet=quiet)

    return _until_stopped(work, as_json=json_)


def cross_validate(
    config: Config,
    overrides: Overrides = None,
    folds: Annotated[
        int, typer.Option("--folds", "-k", metavar="K", min=2, help="Into how many parts the samples go.")
    ] = 5,
    output_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Gets one run directory per fold.")] = None,
    runs_dir: RunsDir = Path("runs"),
    device: Device = None,
    json_: Json = False,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
    offline: Offline = False,
    debug: Debug = False,  # noqa: ARG001
    plugin: Plugins = None,
) -> int:
    """Cross-validate: train once per fold, print the val scores.

    The test split stays aside and is never scored; write data.test_fraction=0 to fold every sample.
    """
    use_plugins(plugin)
    texts = with_device(overrides, device)
    check_config_of(config, texts)
    use_network(offline=offline, quiet=quiet, no_progress=no_progress)
    load_machinery()
    from dltk.experiment import RunOptions
    from dltk.study.cross_validation import cross_validate as run_folds

    options = RunOptions(output_dir, runs_dir, "", quiet, False if no_progress else None)
    return _until_stopped(
        lambda: _print_spread(run_folds(config, texts, folds, options), as_json=json_), as_json=json_, is_study=True
    )


def check_config_of(config: str, overrides: Sequence[str]) -> None:
    """Check all of a config that can be checked without torch."""
    from dltk.config.checking import check_config

    if not config:
        raise UsageError("a config is needed", do="dltk list configs, then dltk train CONFIG")
    if "=" in config and not Path(config).is_file():
        raise UsageError(
            f"the config comes before the overrides; received {shown(config)}", do="dltk train CONFIG KEY=VALUE"
        )
    check_config(Path(config), list(overrides))


def _refuse_contradictory(
    *, goes_on: bool, fork: bool, output_dir: Path | None, dry_run: bool, seeds: int | None, seed: int | None
) -> None:
    given = {"--resume RUN": goes_on, "--output-dir": output_dir is not None, "--dry-run": dry_run, "--seeds": seeds}
    others = ["--dry-run", "--seeds", *([] if fork else ["--output-dir"])]
    refuse_contradictions(given, *[("--resume RUN", other) for other in others])
    refuse_contradictions({"--seeds": seeds, "--seed": seed is not None}, ("--seeds", "--seed"))
    if fork and not goes_on:
        raise UsageError("--fork needs the run to start from", do="dltk train --resume RUN --fork KEY=VALUE")


def _refuse_config(config: str) -> None:
    if config and "=" not in config:
        raise UsageError(
            f"a run goes on with its own config; received {shown(config)}", do="dltk train --resume RUN [KEY=VALUE]..."
        )


def _until_stopped(work: Callable[[], None], *, as_json: bool, is_study: bool = False) -> int:
    """Do the work; say how to go on where a signal or the time limit stopped it."""
    from dltk.training.signals import Stopped

    try:
        work()
    except Stopped as stopped:
        if as_json:
            saved = {} if stopped.is_saved else {"saved": False}
            print_json({"run": stopped.run, "status": "stopped", "code": stopped.code, **saved})
        typer.echo(_how_to_go_on(stopped, is_study=is_study), err=True)
        return stopped.code
    return 0


def _how_to_go_on(stopped: Stopped, *, is_study: bool) -> str:
    from dltk.config.terminal import short
    from dltk.training.runs.rundir import RunDir
    from dltk.training.runs.summary import resume_command
    from dltk.training.signals import by_what

    run = RunDir(Path(stopped.run))
    step = run.status().get("step", 0)
    what = "the checkpoint is saved" if stopped.is_saved else f"nothing was saved after step {step}"
    study = f"the same command again, with --output-dir {shlex.quote(short(run.path.parent))}"
    return f"stopped {by_what(stopped.code)}; {what}\n  do: {study if is_study else resume_command(run)}"


def _print_check(facts: dict[str, Any], *, as_json: bool) -> int:
    """Print what was decided, as a config that runs; the rest is comments."""
    if as_json:
        print_json(facts)
        return 0
    from dltk.config.writing import yaml_text

    config = yaml_text(facts.pop("config"))
    parameters = facts.pop("parameters")
    del facts["name"]
    lines = [f"# {name}: {value}" for name, value in facts.items() if value is not None]
    lines += ["# parameters:", *(f"#   {name} {shape}" for name, shape in parameters.items())] if parameters else []
    print_lines([*lines, config.rstrip()])
    return 0


def print_end(run: Run, *, as_json: bool, quiet: bool) -> None:
    """Print what a run ended with."""
    from dltk.config.terminal import short
    from dltk.training.runs.summary import score_lines, summary

    if as_json:
        status = run.status
        answer = {"run": str(run.path), "status": status["state"], "scores": run.scores, "seconds": status["seconds"]}
        print_json({**answer, **({"verdict": status["verdict"]} if "verdict" in status else {})})
    elif quiet:
        print_lines([*score_lines(run.status), f"run: {short(run.path)}"])
    else:
        print_lines(summary(run.directory))


def _print_spread(spread: Spread, *, as_json: bool) -> None:
    if as_json:
        print_json(spread.as_json())
    else:
        print_lines(spread.lines())
