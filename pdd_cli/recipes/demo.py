"""The job ``demo``: the whole of pdd on a few public photos, with nothing of the user's needed.

Photos of the domain to adapt to are taken by a simulated camera, so that the scenes themselves
are at hand as the truth that results are scored against.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pdd_cli.assets.photos import starter_photos
from pdd_cli.config.adapt import AdaptConfig, DataSettings
from pdd_cli.config.demo import DemoConfig
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.config.infer import InferConfig
from pdd_cli.config.training import SupervisionSettings, TrainSettings
from pdd_cli.data.cameras import Camera
from pdd_cli.errors import Interrupted, UsageError
from pdd_cli.images.codec import Picture, encode_picture, read_picture
from pdd_cli.recipes.adapt import adapt
from pdd_cli.recipes.before_after import RGB, Detail, side_by_side
from pdd_cli.recipes.evaluate import evaluate
from pdd_cli.recipes.evaluation_report import report_of_evaluation
from pdd_cli.recipes.infer import infer
from pdd_cli.report.rendering import write_report
from pdd_cli.runtime.events import Observer, Said, ignore
from pdd_cli.runtime.files import write_bytes_atomically, write_text_atomically

_GENERALIST = "realesrgan"
_SCALE = 4

# No scene serves twice: what is scored was seen neither sharp nor through the camera.
_SUPERVISING = ("coffee", "brick", "grass")
_ADAPTED_TO = ("rocket", "gravel", "hubble_deep_field")
_SCORED = {
    "astronaut": Detail(top=300, left=120, size=128),
    "chelsea": Detail(top=88, left=96, size=128),
}

_CAMERA = Camera(lens_blur=1.6, sensor_noise=2.0, jpeg_quality=90)

_INDEX = "photos.json"


@dataclass(frozen=True)
class DemoResult:
    """What a demonstration showed."""

    scores: dict[str, dict[str, float]]
    """Means by metric, by way of upscaling: bicubic, un-adapted, adapted."""
    protocol: str
    """How the scores were computed."""
    picture: Path
    """Details of the scored photos, side by side."""
    report: Path
    """A page that compares the adapted model's results with the un-adapted one's."""
    run: Path
    """The run directory of the adaptation."""
    seconds: float


def demo(config: DemoConfig, observer: Observer = ignore) -> DemoResult:
    """Adapt a model to photos of a simulated camera, and measure what that brings.

    Raises:
        UsageError: the folder is in use for something else.
        ModelError: the photos or the weights cannot be fetched.
        Interrupted: the user stopped the adaptation.
        PddError: whatever adapting, upscaling and scoring raise.
    """
    began = time.monotonic()
    folder = config.folder
    _refuse_strange_folder(folder)
    _take_photos(starter_photos(observer=observer), folder)
    observer(
        Said(
            f"Sharp photos supervise: {', '.join(_SUPERVISING)}. A simulated camera photographs "
            f"{', '.join(_ADAPTED_TO)} to adapt to, and {', '.join(_SCORED)} to score with. "
            "No scene serves twice."
        )
    )
    try:
        adapted = adapt(_adaptation(config), observer)
    except Interrupted as stopped:
        raise Interrupted(stopped.problem, hint="Run pdd demo again to start anew.") from stopped
    for name, model in (("un-adapted", _GENERALIST), ("adapted", str(adapted.run))):
        infer(_upscaling(config, model, folder / "score" / name), observer)
    _enlarge(folder / "score" / "lr", folder / "score" / "bicubic")

    results = {
        name: evaluate(_scoring(config, folder / "score" / name), observer)
        for name in ("bicubic", "un-adapted", "adapted")
    }
    picture = folder / "before-after.png"
    _write(picture, _compare(folder / "score"))
    report = report_of_evaluation(
        results["adapted"], results["un-adapted"], labels=("un-adapted", "adapted")
    )
    page = write_report(report, folder / "report.html")
    return DemoResult(
        scores={name: result.means for name, result in results.items()},
        protocol=results["adapted"].protocol_text,
        picture=picture,
        report=page,
        run=adapted.run,
        seconds=time.monotonic() - began,
    )


def _refuse_strange_folder(folder: Path) -> None:
    if folder.is_file() or (
        folder.is_dir() and any(folder.iterdir()) and not (folder / _INDEX).is_file()
    ):
        raise UsageError(
            f"{folder} exists and is not of an earlier demo.", hint="Choose another with --output."
        )


def _take_photos(starters: Path, folder: Path) -> None:
    """Lay the three sets of photos out, and beside them who took which."""
    origins = json.loads((starters / "index.json").read_text(encoding="utf-8"))
    scenes = {Path(origin["file"]).stem: starters / origin["file"] for origin in origins}
    write_text_atomically(folder / _INDEX, json.dumps(origins, indent=2) + "\n")
    for name in _SUPERVISING:
        _write(folder / "hr" / f"{name}.png", _scene(scenes[name]))
    for number, name in enumerate((*_ADAPTED_TO, *_SCORED)):
        scene = _scene(scenes[name])
        photo = _CAMERA.photograph(scene, _SCALE, seed=number)
        if name in _ADAPTED_TO:
            _write(folder / "real" / f"{name}.png", photo)
        else:
            _write(folder / "score" / "hr" / f"{name}.png", scene)
            _write(folder / "score" / "lr" / f"{name}.png", photo)


def _scene(path: Path) -> RGB:
    """Read a photo whose sides the scale divides."""
    picture = read_picture(path).rgb8()
    height, width = (length - length % _SCALE for length in picture.shape[:2])
    return picture[:height, :width]


def _adaptation(config: DemoConfig) -> AdaptConfig:
    return AdaptConfig(
        generalist=_GENERALIST,
        device=config.device,
        runs=config.folder / "runs",
        strength=1.0,  # so few steps go a short way, and all of it is shown
        data=DataSettings(real_lr=config.folder / "real", hr=config.folder / "hr"),
        # Nor can so few teach a discriminator anything that fidelity should be given up for.
        supervision=SupervisionSettings(adversarial_weight=0.01),
        train=TrainSettings(
            steps=config.steps,
            lr=2e-5,
            discriminator_steps=config.steps // 12,
            preview_every=config.steps,
            checkpoint_every=config.steps,
        ),
    )


def _upscaling(config: DemoConfig, model: str, output: Path) -> InferConfig:
    return InferConfig(
        paths=(config.folder / "score" / "lr",),
        model=model,
        output=output,
        overwrite=True,
        device=config.device,
        runs=config.folder / "runs",
    )


def _scoring(config: DemoConfig, predictions: Path) -> EvaluateConfig:
    return EvaluateConfig(
        sr=predictions,
        gt=config.folder / "score" / "hr",
        border=_SCALE,
        device=config.device,
        runs=config.folder / "runs",
    )


def _enlarge(photos: Path, output: Path) -> None:
    """Upscale with nothing learnt, as the least that a model must beat."""
    for name in _SCORED:
        photo = read_picture(photos / f"{name}.png").rgb8()
        size = (photo.shape[1] * _SCALE, photo.shape[0] * _SCALE)
        larger = cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC)
        _write(output / f"{name}.png", larger.astype(np.uint8, copy=False))


def _compare(folder: Path) -> RGB:
    labels = {
        "bicubic": "bicubic",
        "un-adapted": "un-adapted",
        "adapted": "adapted",
        "hr": "the scene itself",
    }
    columns = {
        label: [read_picture(folder / name / f"{scene}.png").rgb8() for scene in _SCORED]
        for name, label in labels.items()
    }
    return side_by_side(columns, list(_SCORED.values()))


def _write(path: Path, pixels: RGB) -> None:
    write_bytes_atomically(path, encode_picture(Picture(pixels), path.suffix))
