"""How we stand beside other servers: the table of docs/performance.md, from one run.

    .venv/bin/python benchmarks/versus.py --peers FOLDER/peers.py [--rounds 3] [--seconds 4]

`peers.py` starts the other servers and ours in turn, on loopback, and times the same work on each; figures are ratios,
and mean nothing from one machine to the next.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parent.parent / "shared" / "bench" / "peers.py"

OURS, DISK = "ours", "(disk+fsync)"
PYTHON_PEERS = ("rclone", "copyparty", "wsgidav")
"""The peers that small requests are held against: those that are no C servers."""

TABLE: tuple[tuple[str, str, float, float], ...] = (
    ("list-5000", "peers", 3.0, 10.0),
    ("list-5000-allprop", "peers", 3.0, 10.0),
    ("get-3MB", "peers", 0.5, 1.0),
    ("get-64MB", "peers", 0.7, 1.0),
    ("get-2KB", "python peers", 1.0, 1.5),
    ("stat", "python peers", 0.6, 1.0),
    ("put-3MB", "disk", 0.75, 1.0),
    ("put-3MB-1conn", "disk", 0.6, 0.9),
    ("put-100KB", "disk", 0.4, 0.6),
)
"""Load, whom it is held against, the ratio that it must reach, and the one that is the goal."""


def main() -> int:
    """Run, print the table, and end with 1 where a ratio is below what it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--peers", type=Path, default=DEFAULT, help="the script that starts and times the servers")
    parser.add_argument("--rounds", default="3")
    parser.add_argument("--seconds", default="4")
    parser.add_argument("--load", help="loads to run, comma separated (default: all)")
    arguments = parser.parse_args()
    if not arguments.peers.exists():
        parser.error(f"{arguments.peers} is not there: name it with --peers")
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder, "figures.json")
        command = [sys.executable, str(arguments.peers), "--rounds", arguments.rounds, "--seconds", arguments.seconds]
        command += ["--target", f"{OURS}=PYTHON={sys.executable} {HERE / 'peers_target.sh'}", "--json", str(figures)]
        if arguments.load:
            command += ["--load", arguments.load]
        subprocess.run(command, check=True)
        results = json.loads(figures.read_text())
    return show(results)


def show(results: dict[str, dict[str, list[dict[str, float]]]]) -> int:
    """Print ours against the fastest it is held against; 1 where one is too low."""
    print(f"\n{'load':20}{'ours':>12}{'against':>12}  {'of':18}{'ratio':>7}{'least':>7}{'goal':>7}")
    low = 0
    for load, kind, least, goal in TABLE:
        rates = {
            name: statistics.median(each["per_s"] for each in runs) for name, runs in results.get(load, {}).items()
        }
        against = {name: rate for name, rate in rates.items() if _is_held_against(name, kind)}
        if OURS not in rates or not against:
            continue
        name = max(against, key=lambda each: against[each])
        ratio = rates[OURS] / against[name]
        low |= ratio < least
        mark = "" if ratio >= least else "  below"
        print(f"{load:20}{rates[OURS]:12.1f}{against[name]:12.1f}  {name:18}{ratio:7.2f}{least:7.2f}{goal:7.2f}{mark}")
    return int(low)


def _is_held_against(name: str, kind: str) -> bool:
    if kind == "disk":
        return name == DISK
    return name not in (OURS, DISK) and (kind == "peers" or name in PYTHON_PEERS)


if __name__ == "__main__":
    sys.exit(main())
