"""The folder that tells all about one run."""

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from platform import platform, python_version

import torch
import yaml

from pdd_cli.errors import UsageError
from pdd_cli.runtime.events import (
    Advanced,
    Event,
    Finished,
    Measured,
    PictureDone,
    Said,
    Started,
    Warned,
)
from pdd_cli.runtime.files import write_text_atomically

_RECORDED_PACKAGES = ("pdd-cli", "torch", "torchvision", "spandrel", "opencv-python", "numpy")


@dataclass(frozen=True)
class RunDirectory:
    """Where a run keeps its configuration, record, previews, checkpoints and result."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration, as YAML."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """One JSON object a line: every step's scalars and every event."""
        return self.path / "metrics.jsonl"

    @property
    def previews(self) -> Path:
        """Grids of LR, un-adapted and present pictures."""
        return self.path / "previews"

    @property
    def checkpoints(self) -> Path:
        """What ``--resume`` goes on from."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The adapted weights; there once the run has finished."""
        return self.path / "model.safetensors"

    @property
    def report(self) -> Path:
        """The page about the run; there once it has finished."""
        return self.path / "report.html"

    @property
    def facts(self) -> Path:
        """What the model is and came from, as JSON; it goes where the model goes."""
        return self.path / "config.json"

    @property
    def story(self) -> Path:
        """How the model was made and what watched over it, as JSON, for its card."""
        return self.path / "story.json"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.path / "README.md"

    @property
    def finished(self) -> bool:
        """Whether the run went to its end."""
        return self.model.is_file()

    @property
    def job(self) -> str:
        """What was run: ``adapt`` or ``train``; "" where no run began."""
        environment = self.path / "environment.json"
        if not environment.is_file():
            return ""
        return str(json.loads(environment.read_text(encoding="utf-8"))["job"])

    def write_start(self, config: Mapping[str, object], job: str) -> None:
        """Write what can be known before the first step."""
        write_text_atomically(self.config, yaml.safe_dump(dict(config), sort_keys=False))
        write_text_atomically(self.path / "command.txt", shlex.join(sys.argv) + "\n")
        write_text_atomically(
            self.path / "environment.json",
            json.dumps({"job": job, **_environment()}, indent=2) + "\n",
        )

    def append_metrics(self, record: Mapping[str, object]) -> None:
        """Append one line to ``metrics.jsonl``; what is not finite becomes null."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps({k: _finite(v) for k, v in record.items()}) + "\n")

    def record(self, event: Event) -> None:
        """Keep an event in ``metrics.jsonl``: an observer like any other."""
        match event:
            case Advanced(done=done, scalars=scalars) if scalars:  # the others are progress alone
                self.append_metrics({"step": done, **scalars})
            case Measured(step=step, figures=figures):
                self.append_metrics({"measured_after": step, **figures})
            case Started() | Finished() | Said() | Warned():
                self.append_metrics({"event": type(event).__name__.lower(), **asdict(event)})
            case PictureDone() | _:
                pass

    def truncate_metrics(self, step: int) -> None:
        """Drop the steps after ``step``, which a resumed run takes again."""
        if not self.metrics.is_file():
            return
        lines = self.metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if _step_of(json.loads(line)) <= step]
        write_text_atomically(self.metrics, "".join(kept))


def new_run(root: Path, name: str | None, job: str) -> RunDirectory:
    """Make the folder of a new run.

    Args:
        root: the folder of all runs.
        name: the run's name, or None for one made of the job and the time.
        job: what is run: ``adapt``.

    Raises:
        UsageError: the name is taken.
    """
    if name is None:
        name = f"{job}-{datetime.now():%Y%m%d-%H%M%S}"
        if (root / name).exists():
            name += f"-{datetime.now():%f}"
    path = root / name
    refuse_taken(path)
    path.mkdir(parents=True)
    return RunDirectory(path)


def refuse_taken(path: Path) -> None:
    """Refuse a run's folder that exists.

    Raises:
        UsageError: it does.
    """
    if path.exists():
        raise UsageError(
            f"--name {path.name}: {path} exists already.",
            hint="Choose another name, or give --resume to go on with that run.",
        )


def unfinished_run(root: Path, name: str | None, job: str) -> RunDirectory:
    """Find the run of a job to resume: the named one, or the newest that did not finish.

    Raises:
        UsageError: there is none.
    """
    if name is not None:
        run = RunDirectory(root / name)
        if not run.config.is_file():
            raise UsageError(f"--resume: there is no run {run.path}.", hint=f"Look into {root}.")
        if run.job != job:
            raise UsageError(
                f"--resume: {run.path} is a run of pdd {run.job}.",
                hint=f"Give pdd {run.job} --resume --name {name}.",
            )
        return run
    runs = [RunDirectory(config.parent) for config in root.glob("*/config.yaml")]
    waiting = [
        run
        for run in runs
        if run.job == job and not run.finished and any(run.checkpoints.glob("*.safetensors"))
    ]
    if not waiting:
        raise UsageError(
            f"--resume: no interrupted run lies in {root}.", hint="Start one without --resume."
        )
    return max(waiting, key=lambda run: run.config.stat().st_mtime)


def mark_latest(run: RunDirectory) -> None:
    """Let ``latest`` in the folder of all runs name this one."""
    latest = run.path.parent / "latest"
    if latest.is_symlink() or latest.is_file():
        latest.unlink()
    try:
        latest.symlink_to(run.path.name, target_is_directory=True)
    except OSError:  # Windows without the right to make links
        write_text_atomically(latest, run.path.name)


def latest_run(root: Path) -> Path | None:
    """Return the newest finished run's folder, or None where there is none."""
    latest = root / "latest"
    if latest.is_file():
        latest = root / latest.read_text(encoding="utf-8").strip()
    run = RunDirectory(latest.resolve())
    return run.path if run.finished else None


def is_model_of_run(weights: Path) -> bool:
    """Tell whether weights are those that a run wrote at its end."""
    run = RunDirectory(weights.parent)
    return weights.name == run.model.name and run.config.is_file()


def _step_of(record: Mapping[str, int]) -> int:
    return record.get("step", record.get("measured_after", 0))


def _environment() -> dict[str, object]:
    return {
        "python": python_version(),
        "platform": platform(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: _version(name) for name in _RECORDED_PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _finite(value: object) -> object:
    if isinstance(value, float) and not (float("-inf") < value < float("inf")):
        return None
    return value
