"""Break clean windows of nine real streams in some 170 ways, and see what becomes of each.

    python benchmarks/faults.py [--windows 2] [--streams elec2 …] [--kinds clock …] [--half reporting] [--json FILE]
    python benchmarks/faults.py --clean                 # the clean windows alone, in source order too
    python benchmarks/faults.py --read FILE …           # the tables of runs before

Per family of corruption, in how many windows the fault was

- caught: called `broken_data`; no row of the window is ever learned;
- quarantined: the window lived, and rows that are impossible singly stay out of training and judging;
- trained: not caught, and judged harm, should it last as long as `triage.persist` asks, while the same window without
  the fault is not; a run would start because of the fault. Or rows are learned that were not there without it;
- passed: none of these; the window is judged, and its rows learned, as those of the clean one.

Beside them: of all windows, in how many a run would start without the fault as well, and how many a plain drift
threshold (share of columns with PSI over their threshold ≥ 0.3) would have retrained on. Then the clean windows,
decided in order by the default policy: how many were called broken (false alarms), kept rows out, or were called harm.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pandas as pd
from corruptions import Corruption, corruptions, kinds
from streams import IN_SOURCE_ORDER, STREAMS, TUNING, Case, Stream, Watched, in_both

from ratoon.data.window import Window
from ratoon.ledger.entries import Outlying
from ratoon.loop.excluded import outlying
from ratoon.monitors.observe import Labels, observe
from ratoon.monitors.rows.impossible import impossible_in
from ratoon.policy.decide import decide
from ratoon.policy.triage.triage import triage
from ratoon.spec.keys.rules import Persist, TriageSpec
from ratoon.spec.values import History, PastDecision, Signal

SEEN = ("caught", "quarantined", "passed", "trained")
CLEAN = ("windows", "broken_data", "quarantined", "harm", "healthy", "harmless_shift", "unsure", "drift")
Told = dict[str, Counter[str]]


def look(watched: Watched, case: Case, current: Window) -> tuple[Signal, ...]:
    """The signals of *current* in the place of the case's own window."""
    rows = possible(watched, case, current, in_both(case, current))
    labelled = float(rows["_target"].notna().mean()) if len(rows) else 0.0
    return observe(
        watched.spec,
        reference=case.reference,
        current=current,
        labels=Labels(
            outcomes=watched.outcomes(rows),
            accepted=watched.accepted,
            performance_span=case.judged.span,
            coverage=labelled,
            judged_rows=rows[rows["_target"].notna()],
            before=case.before,
        ),
        known=case.known,
        recent=lambda: case.recent,
        pages=False,
    ).signals


def possible(watched: Watched, case: Case, current: Window, rows: pd.DataFrame) -> pd.DataFrame:
    """*rows* without those that the look itself keeps out, as in loop/observe/windows.py."""
    quality = watched.spec.monitors.quality
    found = {} if quality is None else impossible_in(quality, case.reference, current, case.known)
    bounds = [Outlying(column=name, low=low, high=high) for name, (low, high) in found.items()]
    return rows[~outlying(rows, bounds)]


def kept_out(signals: tuple[Signal, ...]) -> bool:
    return any(s.within is not None or s.metric == "unreadable" for s in signals)


def verdict_if_it_lasts(watched: Watched, signals: tuple[Signal, ...]) -> str:
    """The verdict where one window is enough for harm: as if the windows before had been broken alike."""
    policy = watched.spec.deciding.model_copy(update={"triage": TriageSpec(persist=Persist(k=1, n=1))})
    return triage(signals, History(model=watched.spec.model, champion="1"), policy).verdict


def drifted(signals: tuple[Signal, ...]) -> bool:
    return any(s.metric == "drift_share" and s.status == "fail" for s in signals)


def broken_by(signals: tuple[Signal, ...]) -> list[str]:
    return sorted({f"{s.metric}({s.column or ''})" for s in signals if s.monitor == "quality" and s.status == "fail"})


def became(verdict: str, clean: str, *, more: bool, apart: bool) -> str:
    """One of SEEN; *more*: the window has rows that are not there without the fault; *apart*: rows were kept out."""
    if verdict == "broken_data":
        return "caught"
    if more or (verdict == "harm" != clean):
        return "trained"
    return "quarantined" if apart else "passed"


def break_windows(watched: Watched, told: Told, windows: int, asked: list[str]) -> None:
    """Every corruption that fits, in some of the stream's windows."""
    stream = watched.stream
    for number, case in enumerate(watched.cases(windows)):
        clean = verdict_if_it_lasts(watched, look(watched, case, case.current))
        for each in corruptions():
            if (asked and not any(each.name.startswith(one) for one in asked)) or not fits(each, stream):
                continue
            rng = np.random.default_rng([number, zlib.crc32(f"{each.name} {each.slot}".encode())])
            broken = each.make(case.current, stream.slots, rng)
            if unchanged(broken, case.current):
                continue  # such as times cut to dates, where all rows are dated
            signals = look(watched, case, broken)
            verdict = verdict_if_it_lasts(watched, signals)
            seen = became(verdict, clean, more=broken.rows > case.current.rows, apart=kept_out(signals))
            told[f"{each.name} @ {stream.name}"].update(["windows", seen])
            told[f"{each.name} @ {stream.name}"]["anyway"] += clean == "harm"
            told[f"{each.name} @ {stream.name}"]["drift"] += drifted(signals)


def fits(each: Corruption, stream: Stream) -> bool:
    return each.fits(stream.slots, stream.task)


def unchanged(broken: Window, clean: Window) -> bool:
    names = ("rows", "duplicates", "schema", "unreadable", "nameless", "labelled")
    return all(getattr(broken, n) == getattr(clean, n) for n in names) and broken.frame.equals(clean.frame)


def clean_windows(watched: Watched, most: int | None) -> Counter[str]:
    """Every window in order, through the policy's own decisions: harm must last, as the spec says."""
    found: Counter[str] = Counter()
    spec, past = watched.spec, list[PastDecision]()
    for case in watched.cases(most):
        signals, span = look(watched, case, case.current), case.current.span
        history = History(model=spec.model, champion="1", decisions=tuple(past))
        decision = decide(signals, history, spec.deciding, span.end, model=spec.model, window=span)
        verdict = decision.triage.verdict
        told = {name: getattr(decision, name) for name in ("id", "at", "action", "matched", "champion", "facts")}
        past.append(PastDecision(verdict=verdict, **told))
        found.update(["windows", verdict])
        found["drift"] += drifted(signals)
        found["quarantined"] += kept_out(signals)
        if verdict == "broken_data":
            held = "fresh" if case.fresh else "old"
            print(f"  false alarm: {watched.stream.name} {span} {held}: {'; '.join(broken_by(signals))}", flush=True)
    return found


def one_stream(name: str, asked: argparse.Namespace) -> dict[str, object]:
    """Clean windows, then broken ones, of the stream of that *name*."""
    stream = next(each for each in (*STREAMS, *IN_SOURCE_ORDER) if each.name == name)
    warnings.filterwarnings("ignore")
    started, told, clean = time.process_time(), defaultdict[str, Counter[str]](Counter), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(stream, asked.datasets, Path(folder))
        if not asked.kinds:
            clean = clean_windows(watched, asked.most)
        if stream.order is None and not asked.clean:
            break_windows(watched, told, asked.windows, asked.kinds)
        watched.close()
    spent = round(time.process_time() - started)
    return {"stream": stream.name, "told": told, "clean": clean, "cpu": spent}


def main() -> None:
    asked = arguments()
    if asked.read:
        lines = [line for path in asked.read for line in path.read_text().splitlines()]
        show([json.loads(line) for line in lines])
        return
    named = {*asked.streams, *(TUNING if asked.half == "tuning" else ())}
    chosen = [s for s in (*STREAMS, *IN_SOURCE_ORDER) if not named or s.name in named]
    if asked.half == "reporting":
        chosen = [s for s in chosen if s.name.split()[0] not in TUNING]
    if asked.kinds:
        chosen = [s for s in chosen if s.order is None]
    done = []
    with ProcessPoolExecutor(asked.jobs, max_tasks_per_child=1) as pool:
        for result in pool.map(one_stream, [each.name for each in chosen], [asked] * len(chosen)):
            done.append(result)
            if asked.json:
                with asked.json.open("a") as file:
                    file.write(json.dumps(result) + "\n")
    show(done)


def arguments() -> argparse.Namespace:
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parents[2]
    parse.add_argument("--datasets", type=Path, default=root / "shared" / "datasets")
    parse.add_argument("--windows", type=int, default=2, help="windows per stream that are broken")
    parse.add_argument("--most", type=int, help="clean windows per stream; left out: all")
    parse.add_argument("--streams", nargs="*", default=[], help="streams by name; left out: all")
    parse.add_argument("--half", choices=("tuning", "reporting"), help="the streams of one half")
    parse.add_argument("--kinds", nargs="*", default=[], help="kinds of corruption, by how their names begin")
    parse.add_argument("--clean", action="store_true", help="only the clean windows")
    parse.add_argument("--jobs", type=int, default=1, help="streams at a time")
    parse.add_argument("--json", type=Path, help="append what was found to this file, a line for each stream")
    parse.add_argument("--read", type=Path, nargs="*", help="show what such files hold, and run nothing")
    return parse.parse_args()


def show(done: list[dict[str, object]]) -> None:
    """The tables of what was found."""
    told = [(name, Counter(counts)) for each in done for name, counts in each["told"].items()]  # type: ignore[attr-defined]
    if told:
        streams = list(dict.fromkeys(name.split(" @ ")[1] for name, _ in told))
        count = len({name.split(" @ ")[0] for name, _ in told})
        print(f"\n{count} of {len(kinds())} kinds of corruption in clean windows of {len(streams)} streams\n")
        table("family", grouped(told, lambda name: name.split(": ")[0]))
        print()
        halves = {True: "tuning half", False: "reporting half"}
        table("stream", grouped(told, lambda name: name.split(" @ ")[1]))
        print()
        table("half", grouped(told, lambda name: halves[name.split(" @ ")[1] in TUNING]))
        worst(told)
    clean = {str(each["stream"]): Counter(each["clean"]) for each in done if each["clean"]}  # type: ignore[call-overload]
    if clean:
        show_clean(clean)
    print("\nCPU seconds: " + ", ".join(f"{each['stream']} {each['cpu']}" for each in done))


def grouped(told: Iterable[tuple[str, Counter[str]]], by: object) -> Told:
    found: Told = defaultdict(Counter)
    for name, counts in told:
        found[by(name)].update(counts)  # type: ignore[operator]
    return found


def table(head: str, rows: Told) -> None:
    shown = ("windows", *SEEN, "anyway", "drift")
    line = "{:<22}" + "{:>12}" * len(shown)
    print(line.format(head, *shown))
    total = sum(rows.values(), Counter[str]())
    for name, counts in [*rows.items(), ("all", total)]:
        print(line.format(name, *(counts[key] for key in shown)))


def worst(told: list[tuple[str, Counter[str]]]) -> None:
    """What trained because of the fault, and what passed, by kind."""
    for seen in ("trained", "passed"):
        print(f"\n{seen}, by kind")
        found = grouped(told, lambda name: name.split(" @ ")[0])
        for name, counts in sorted(found.items(), key=lambda item: -item[1][seen]):
            if counts[seen]:
                where = sorted({n.split(" @ ")[1] for n, c in told if n.startswith(f"{name} @") and c[seen]})
                print(f"  {name:<60}{counts[seen]:>3} of {counts['windows']:>3}: {', '.join(where)}")


def show_clean(clean: Told) -> None:
    print("\nClean windows")
    line = "{:<26}" + "{:>15}" * len(CLEAN)
    print(line.format("stream", *CLEAN))
    for name, counts in [*clean.items(), ("all", sum(clean.values(), Counter[str]()))]:
        print(line.format(name, *(counts[key] for key in CLEAN)))


if __name__ == "__main__":
    main()
