"""`python -m tests.fuzz`: look for what breaks a target, led by the code that inputs reach (atheris)."""

from __future__ import annotations

import argparse
import io
import os
import random
import re
import sys
import tempfile
import traceback
import warnings
from contextlib import redirect_stderr
from pathlib import Path

MOST_SECONDS = 10
"""That one input may take."""
MOST_BYTES = 16 << 10
MOST_MEMORY = 1024
"""MB of the whole process."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="only these; `--list` names them")
    parser.add_argument("--seconds", type=int, default=10, help="for each target (10)")
    parser.add_argument("--runs", type=int, help="so many inputs for each target, however long they take")
    parser.add_argument(
        "--seed", type=int, default=0, help="the same one and --runs: the same inputs (0: any)"
    )
    parser.add_argument(
        "--findings", type=Path, metavar="FOLDER", help="where they are kept (else in a new one)"
    )
    parser.add_argument(
        "--repeat", type=Path, metavar="FILE", help="one input, a finding say; without atheris"
    )
    parser.add_argument("--list", action="store_true", help="the names of the targets")
    args = parser.parse_args()
    instrumented = not (args.repeat or args.list)
    if instrumented:
        import atheris

        # Each module that is instrumented is told.
        with redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["zbtui"]):
            from tests.fuzz.targets import TARGETS
    else:
        from tests.fuzz.targets import TARGETS
    if wrong := [name for name in args.targets if name not in TARGETS]:
        parser.error(f"there is no target {wrong[0]}; there are: {' '.join(TARGETS)}")
    if args.list:
        print("\n".join(TARGETS))
        return 0
    if args.repeat:
        if len(args.targets) != 1:
            parser.error("--repeat needs the one target that the file is for")
        TARGETS[args.targets[0]].run(args.repeat.read_bytes())
        return 0
    findings = args.findings or Path(tempfile.mkdtemp(prefix="zbtui-findings-"))
    findings.mkdir(parents=True, exist_ok=True)
    ended = [look(name, findings, args) for name in args.targets or TARGETS]
    return 0 if all(ended) else 1


def look(name: str, findings: Path, args: argparse.Namespace) -> bool:
    """Let one target run, in a process of its own: atheris ends it. Whether all went well."""
    log = findings / f"{name}.log"
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            with log.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            fuzz(name, findings, args)
        except Exception:  # in what changes the inputs, say
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(99)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    lines = log.read_text(errors="replace").splitlines()
    counted = [line for line in lines if re.match(r"#\d+\s", line)]
    print(f"{name:<15} {'ok ' if status == 0 else 'BAD'} {counted[-1] if counted else ''}", flush=True)
    if status == 0:
        log.unlink()
        return True
    print("\n".join(f"    {line}" for line in lines[-30:]))
    for found in sorted(findings.glob(f"{name}-*")):
        print(f"  again: python -m tests.fuzz {name} --repeat {found}")
    return False


def fuzz(name: str, findings: Path, args: argparse.Namespace) -> None:
    """Ends the process."""
    import atheris

    from tests.fuzz.hostile import mutate
    from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    warnings.simplefilter("error")

    def change(data: bytes, most: int, seed: int) -> bytes:
        luck = random.Random(seed)
        changed = mutate(data, luck) if luck.random() < 0.5 else b""
        return changed if 0 < len(changed) <= most else bytes(atheris.Mutate(data, most))

    with tempfile.TemporaryDirectory(prefix="zbtui-fuzz-") as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        limit = f"-runs={args.runs}" if args.runs else f"-max_total_time={args.seconds}"
        options = [
            *(limit, f"-seed={args.seed}", f"-artifact_prefix={findings}/{name}-"),
            *(f"-timeout={MOST_SECONDS}", f"-rss_limit_mb={MOST_MEMORY}", f"-max_len={MOST_BYTES}"),
        ]
        atheris.Setup([name, *options, corpus], target.run, custom_mutator=change)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
