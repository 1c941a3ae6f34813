"""The loop that every training goes through: steps, measurements, previews, checkpoints, the end.

Shared by the recipes that train; what they learn from is put together before.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor

from pdd_cli.config.training import TrainingConfig, TrainSettings
from pdd_cli.data.batches import Batches, Crops
from pdd_cli.distill.step import Batch, DistillationStep
from pdd_cli.errors import Interrupted, TrainingDiverged
from pdd_cli.nets.network import Network
from pdd_cli.recipes.gallery import Gallery
from pdd_cli.recipes.model_card import Story, write_model
from pdd_cli.recipes.monitors import Monitors
from pdd_cli.recipes.previews import Previews
from pdd_cli.recipes.strength import Blend, Trials, Written, settle_share
from pdd_cli.recipes.training_report import report_of_training
from pdd_cli.recipes.verdict import Verdict, judge
from pdd_cli.report.rendering import write_report
from pdd_cli.runtime.checkpoint import (
    State,
    load_checkpoint,
    random_state,
    restore_random_state,
    save_checkpoint,
)
from pdd_cli.runtime.device import memory_format
from pdd_cli.runtime.events import (
    Advanced,
    Finished,
    Measured,
    Observer,
    Said,
    Started,
    Warned,
)
from pdd_cli.runtime.interrupt import held_interrupts
from pdd_cli.runtime.run_directory import RunDirectory, mark_latest
from pdd_cli.runtime.weights import read_weights, write_weights


@dataclass(frozen=True)
class TrainingResult:
    """What a training made."""

    run: Path
    """The run directory."""
    model: Path
    """The weights."""
    steps: int
    written_step: int
    """The step whose weights were written."""
    losses: dict[str, float]
    """Of the last step, by name."""
    verdict: Verdict
    """Whether the network became better, by what was watched."""
    seconds: float


@dataclass
class Training:
    """Everything that takes part in the loop."""

    job: Literal["adapt", "train"]
    stage: str
    """What is being done, as a person would say it."""
    config: TrainingConfig
    """With every size filled in."""
    run: RunDirectory
    step: DistillationStep
    batches: Batches
    previews: Previews
    gallery: Gallery
    monitors: Monitors
    observer: Observer
    blend: Blend
    """What is shown, scored and written."""
    trials: Trials | None = None
    """What its share is chosen by at the end; None where the share is given."""
    writes: Sequence[Written] = ()
    """The weights to choose from then."""
    _skipped: int = field(default=0, init=False)
    """Steps in a row that were skipped until now."""

    def carry_through(
        self, *, resumed: bool, title: str, story: Callable[[int], Story]
    ) -> TrainingResult:
        """Take every step that is left, and write the model and all that is told about it.

        Args:
            resumed: whether the run goes on from its checkpoint.
            title: of its report.
            story: tells about the model, given the step after which its weights were taken.

        Raises:
            Interrupted: the user stopped the run; its state is saved.
            TrainingDiverged: too many steps in a row were not finite.
        """
        began = time.monotonic()
        first = 1
        if resumed:
            first = self._restore() + 1
        else:
            figures = self._measure(0)
            self.observer(Measured(0, figures, figures))
            self.previews.write(self.blend.network, 0)
        losses = self._take_steps(first)
        return self._conclude(losses, title, story, began)

    def _conclude(
        self, losses: dict[str, float], title: str, story: Callable[[int], Story], began: float
    ) -> TrainingResult:
        network, written = self._choose_best()
        verdict = judge(self.monitors, written)
        self.observer(Said(verdict.text))
        told = story(written)
        report = report_of_training(self.run, title, verdict, told, self.gallery.compare(network))
        write_report(report, self.run.report)
        write_model(network, self.run, told, losses, verdict)
        for scratch in (self._checkpoint, self._best):  # what only an unfinished run needs
            scratch.unlink(missing_ok=True)
        mark_latest(self.run)
        self.observer(Said(f"The model is {self.run.model}. Next: pdd infer PHOTOS."))
        return TrainingResult(
            run=self.run.path,
            model=self.run.model,
            steps=self.config.train.steps or 0,
            written_step=written,
            losses=losses,
            verdict=verdict,
            seconds=time.monotonic() - began,
        )

    def _choose_best(self) -> tuple[Network, int]:
        """Return the weights to write, and after which step they were taken.

        They are the best as pairs tell, and the last ones are kept beside them as
        ``last.safetensors``. Without pairs, or where no measured weights were sound, they are the
        last ones.
        """
        network, last = self.blend.network, self.config.train.steps or 0
        best = self.monitors.best_step()
        if best is None or best == last:
            return network, last
        weights = network.inner.state_dict()
        write_weights(self.run.path / "last.safetensors", weights, {"step": str(last)})
        network.inner.load_state_dict(read_weights(self._best))
        return network, best

    def _take_steps(self, first: int) -> dict[str, float]:
        train = self.config.train
        assert train.steps and train.preview_every and train.checkpoint_every
        assert self.config.monitor.every
        losses: dict[str, float] = {}
        self.observer(Started(self.stage, train.steps, "step", done=first - 1))
        stopping = Said("Stopping after this step; press Ctrl-C again to lose it.")
        with held_interrupts(partial(self.observer, stopping)) as interrupted:
            asked = time.monotonic()
            for number, crops in self.batches.steps(first, train.steps):
                losses = self._take(number, crops, waited=time.monotonic() - asked)
                last = number == train.steps
                if last and self.trials:
                    settle_share(
                        self.blend,
                        self.trials,
                        self.monitors,
                        writes=self.writes,
                        observer=self.observer,
                    )
                if number % self.config.monitor.every == 0 or last:
                    figures = self._measure(number)
                    self.observer(Measured(number, figures, self.monitors.baseline))
                if number % train.preview_every == 0 or last:
                    self.previews.write(self.blend.network, number)
                if interrupted() or (number % train.checkpoint_every == 0 and not last):
                    self._save(number)
                if interrupted() and not last:
                    raise Interrupted(
                        f"Stopped after step {number} of {train.steps}; it is saved in "
                        f"{self.run.path}.",
                        hint=f"Go on with pdd {self.job} --resume --name {self.run.path.name}.",
                    )
                asked = time.monotonic()
        self.observer(Finished(self.stage, f"{train.steps} steps"))
        return losses

    def _take(self, number: int, crops: Crops, *, waited: float) -> dict[str, float]:
        start = time.monotonic()
        rates = learning_rates(self.config.train, number)
        self.step.set_learning_rates(**rates)
        outcome = self.step.take(self._parts(crops), number)
        if outcome.skipped:
            self._note_skipped(number, outcome.skipped)
        else:
            self._skipped = 0
        pace = time.monotonic() - start
        self.observer(
            Advanced(
                number,
                {**outcome.losses, "lr": rates["specialist"], "seconds": pace, "waited": waited},
            )
        )
        return outcome.losses

    def _parts(self, crops: Crops) -> list[Batch]:
        """Cut the crops of a step into batches that are computed one after another."""
        layout = memory_format(self.batches.device)

        def cut(pictures: Tensor) -> tuple[Tensor, ...]:
            pieces = torch.chunk(pictures, self.config.train.accumulate)
            return tuple(piece.contiguous(memory_format=layout) for piece in pieces)

        pairs = (cut(crops.synthetic), cut(crops.hr))
        if crops.real is None:
            return [Batch(*parts) for parts in zip(*pairs, strict=True)]
        return [Batch(*parts) for parts in zip(*pairs, cut(crops.real), strict=True)]

    def _note_skipped(self, number: int, reason: str) -> None:
        self._skipped += 1
        if self._skipped > self.config.train.skipped_steps:
            self._save(number)
            raise TrainingDiverged(
                f"{self._skipped} steps in a row were not finite (step {number}: {reason}).",
                hint=f"The last good state is kept: go on with a lower rate, as in pdd {self.job} "
                "--resume --lr 1e-6, or with --set train.precision=float32.",
            )
        self.observer(Warned(f"Step {number} was skipped, as {reason} is not finite."))

    def _measure(self, number: int) -> dict[str, float]:
        figures = self.monitors.measure(self.blend.network, number)
        if number and self.monitors.best_step() == number:
            write_weights(self._best, self.blend.network.inner.state_dict(), {"step": str(number)})
        return figures

    @property
    def _checkpoint(self) -> Path:
        return checkpoint_of(self.run)

    @property
    def _best(self) -> Path:
        return self.run.checkpoints / "best.safetensors"

    def _save(self, number: int) -> None:
        state: State = {
            "step": number,
            "random": random_state(),
            "training": self.step.state(),
            "measured": [list(entry) for entry in self.monitors.history],
        }
        save_checkpoint(self._checkpoint, state)

    def _restore(self) -> int:
        """Put everything back where it was, and return the number of the last step taken."""
        state = cast(Mapping[str, Any], load_checkpoint(self._checkpoint))
        self.step.restore(state["training"])
        restore_random_state(state["random"])
        self.monitors.history = [(int(step), figures) for step, figures in state["measured"]]
        number = int(state["step"])
        self.run.truncate_metrics(number)
        return number


def checkpoint_of(run: RunDirectory) -> Path:
    """Return where the state of an unfinished run lies."""
    return run.checkpoints / "last.safetensors"


def learning_rates(
    train: TrainSettings, number: int
) -> dict[Literal["specialist", "discriminator"], float]:
    """Return the rates of a step, halved at the milestones before it."""
    assert train.lr is not None
    factor = 0.5 ** sum(number > milestone for milestone in train.lr_halved_at)
    return {"specialist": train.lr * factor, "discriminator": train.discriminator_lr * factor}
