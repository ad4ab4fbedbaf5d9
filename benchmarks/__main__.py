"""Measure dltk against hand-written loops and other libraries; say which goals are met."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import bare, report
from benchmarks.contestants.names import CONTESTANTS, PEERS, REFERENCE, able
from benchmarks.growth import growth_table
from benchmarks.large import DEFAULT_MB, large_table
from benchmarks.large import measured as measured_large
from benchmarks.machine import SAME_FILE, facts
from benchmarks.material import material_for
from benchmarks.parts import measured as measured_parts
from benchmarks.peers import NotInstalled
from benchmarks.programs import CONFIGS, STARTS, Program, timed, whole
from benchmarks.ratios import different_work
from benchmarks.records import Records, Row, differing
from benchmarks.referee import rounds
from benchmarks.tables import (
    bare_table,
    convolution_table,
    goal_table,
    part_table,
    peer_table,
    product_table,
    program_table,
    step_table,
    whole_table,
)
from benchmarks.workloads import SCALING, WORKLOADS, Workload, chosen

QUICK = {"only": "a,b,c,d,e,f", "threads": "1", "rounds": 3, "contestants": "opt,dltk"}
USUAL = {
    "only": ",".join(WORKLOADS),
    "threads": "1,2",
    "rounds": 7,
    "contestants": "opt,same,dltk,dltk_compiling,dltk_bf16",
}
TABLES = (
    step_table,
    peer_table,
    program_table,
    whole_table,
    part_table,
    product_table,
    convolution_table,
    bare_table,
    growth_table,
    large_table,
    goal_table,
)
PEERS_FACTOR = 2.0
"""How far the loss of one who draws its own order, or its own initial weights, may be from the reference's."""


@dataclass(frozen=True)
class Campaign:
    """What is to be measured.

    Attributes:
        workloads: What is trained.
        threads: On how many cores, one after the other.
        count: How many rounds.
        names: Who trains.
    """

    workloads: Sequence[Workload]
    threads: Sequence[int]
    count: int
    names: Sequence[str]


def main(arguments: Sequence[str]) -> int:
    """Measure, write, and print; return 1 where contestants did different work."""
    parser = _parser()
    given = parser.parse_args(arguments)
    usual = dict(QUICK if given.quick else USUAL)
    usual |= {"contestants": ",".join(["opt", "dltk", *PEERS])} if given.peers else {}
    usual |= {"threads": "1", "rounds": 1} if given.large else {}
    for name, value in usual.items():
        if getattr(given, name) is None:
            setattr(given, name, value)
    try:
        campaign = Campaign(
            chosen(given.only.split(",")),
            [int(text) for text in given.threads.split(",")],
            given.rounds,
            _contestants(given.contestants.split(",")),
        )
        records = _begun(given.output, shlex.join(["scripts/benchmark", *arguments]))
    except ValueError as error:
        parser.error(str(error))
    if given.report:
        _print(str(report.write()))
        return 0
    records = _measured(given, campaign, records)
    rows = records.rows
    for table in TABLES:
        _print("\n".join([*table(rows), ""]))
    wrong = _wrong(rows)
    for sentence in wrong:
        _print(f"different work: {sentence}")
    return 1 if wrong else 0


def _measured(given: argparse.Namespace, campaign: Campaign, records: Records) -> Records:
    """Measure what was asked for."""
    if given.start_up:
        return measure_programs(STARTS, [1], given.rounds, records, given.output)
    if given.large:
        return measure_large(given, campaign.threads, records)
    if given.parts:
        return measure_parts(campaign, records, given.output)
    if given.bare:
        return measure_bare(campaign, records, given.output)
    if given.programs and given.peers:
        return measure_programs(_wholes(campaign), campaign.threads, given.rounds, records, given.output)
    if given.programs:
        return measure_programs(CONFIGS, campaign.threads, given.rounds, records, given.output)
    if given.scaling:
        scaled = Campaign(list(SCALING.values()), [1], given.rounds, ["dltk"])
        return measure(scaled, records, given.output, kind="scaling")
    return measure(campaign, records, given.output)


def _wholes(campaign: Campaign) -> list[list[Program]]:
    """Return the workloads as whole processes of all whose libraries are there."""
    groups = []
    for workload in campaign.workloads:
        group = []
        for name in able(campaign.names, workload.key):
            try:
                group.append(whole(workload, material_for(workload), name))
            except NotInstalled as failure:
                _tell(f"{workload.key}: {name} is left out: {failure}")
        groups.append(group)
    return groups


def measure(campaign: Campaign, records: Records, output: Path | None, kind: str = "step") -> Records:
    """Add rounds to records, and write them as they come."""
    for workload in campaign.workloads:
        material = material_for(workload if kind == "step" else WORKLOADS["a"])
        if not material.is_real:
            _tell(f"{workload.key}: its data are not there; generated ones stand in for them")
        if material.note:
            _tell(f"{workload.key}: {material.note}")
        for threads in campaign.threads:
            first = records.next_round(kind, workload.key, threads)
            new: list[Row] = []
            names = able(campaign.names, workload.key)
            for row in rounds(workload, material, names, threads, first=first, count=campaign.count, say=_tell):
                new.append(replace(row, kind=kind))
                _tell(_line(row))
            records = records.with_rows(new)
            if output is not None:
                records.write(output)
    return records


def measure_large(given: argparse.Namespace, threads: Sequence[int], records: Records) -> Records:
    """Add rounds of commands on large data to records, and write them as they come."""
    for cores in threads:
        for number in range(1, given.rounds + 1):
            for row in measured_large(given.megabytes, cores, number):
                _tell(_line(row))
                records = records.with_rows([row])
                if given.output is not None:
                    records.write(given.output)
    return records


def measure_parts(campaign: Campaign, records: Records, output: Path | None) -> Records:
    """Add rounds of the parts of a step to records."""
    keys = [workload.key for workload in campaign.workloads]
    for threads in campaign.threads:
        first = max(records.next_round("part", key, threads) for key in keys)
        for number in range(first, first + campaign.count):
            records = records.with_rows(measured_parts(keys, threads, number))
    if output is not None:
        records.write(output)
    return records


def measure_bare(campaign: Campaign, records: Records, output: Path | None) -> Records:
    """Add rounds of steps by kernels alone to records."""
    for threads in campaign.threads:
        records = records.with_rows(bare.measured(threads, records.next_round(bare.KIND, "a", threads)))
    if output is not None:
        records.write(output)
    return records


def measure_programs(
    groups: Sequence[Sequence[Program]], threads: Sequence[int], count: int, records: Records, output: Path | None
) -> Records:
    """Add rounds of whole processes to records, and write them as they come."""
    for group in groups:
        for cores in threads:
            first = records.next_round(group[0].kind, group[0].case, cores)
            new = []
            for row in timed(group, cores, range(first, first + count)):
                new.append(row)
                _tell(_line(row))
            records = records.with_rows(new)
            if output is not None:
                records.write(output)
    return records


def _begun(output: Path | None, command: str) -> Records:
    """Return the records to add to.

    Raises:
        ValueError: Those in the file are of another machine or other code.
    """
    header = facts(command)
    if output is None or not output.exists():
        return Records(header, [])
    earlier = Records.read(output)
    differences = differing(earlier.header, header, SAME_FILE)
    if differences:
        raise ValueError(f"{output} cannot be added to: {'; '.join(differences)}")
    return earlier


def _wrong(rows: Sequence[Row]) -> list[str]:
    """Return where a contestant did other work than the reference."""
    wrong = []
    for workload in WORKLOADS.values():
        own = [row for row in rows if row.kind == "step" and row.case == workload.key]
        same = {name: one for name, one in CONTESTANTS.items() if one.precision == "fp32"}
        allowed = {name: workload.tolerance if one.shares_order else PEERS_FACTOR for name, one in same.items()}
        wrong += different_work(own, REFERENCE, allowed, workload.smallest_loss)
    return wrong


def _contestants(names: Sequence[str]) -> list[str]:
    unknown = [name for name in names if name not in CONTESTANTS]
    if unknown:
        raise ValueError(f"there is no contestant {', '.join(unknown)}; there are {', '.join(CONTESTANTS)}")
    return list(names)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one thread, three rounds: less than 3 minutes")
    parser.add_argument("--only", metavar="KEYS", help=f"workloads, such as a,e; there are {', '.join(WORKLOADS)}")
    parser.add_argument("--threads", metavar="N,N", help="cores to use, one after the other; default 1,2")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each contestant trains; default 7")
    parser.add_argument("--contestants", metavar="NAMES", help=f"of {', '.join(CONTESTANTS)}")
    parser.add_argument("--peers", action="store_true", help="other libraries too; installs them at first")
    parser.add_argument("--start-up", action="store_true", help="looking things up, and the way to the first step")
    parser.add_argument(
        "--programs", action="store_true", help="whole trainings of three shipped configs; with --peers of workloads"
    )
    parser.add_argument("--parts", action="store_true", help="where a step's time goes; how fast products are")
    parser.add_argument(
        "--bare", action="store_true", help="a step of a by kernels alone; pools in one with convolutions"
    )
    parser.add_argument("--scaling", action="store_true", help="cost against rows, epochs, batch size and width")
    parser.add_argument(
        "--large", action="store_true", help="commands on large data, in memory and on disk; one thread, one round"
    )
    parser.add_argument("--megabytes", type=int, default=DEFAULT_MB, metavar="N", help="of each large file")
    parser.add_argument("--report", action="store_true", help="renew docs/performance.md from benchmarks/results")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a CSV file; rounds are added to what is there")
    return parser


def _line(row: Row) -> str:
    head = f"{time.strftime('%H:%M:%S')} {row.case}, {row.threads} threads, round {row.round}: {row.contestant}"
    if row.error or row.seconds is None:
        return f"{head} {row.error}"
    each = f", {1000 * row.seconds / row.steps:.3f} ms/step" if row.steps else ""
    loss = "" if row.loss is None else f", loss {row.loss:.5f}"
    score = "" if row.score is None else f", score {row.score:.4f}"
    return f"{head} {row.seconds:.3f} s{each}{loss}{score}"


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
