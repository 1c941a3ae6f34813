"""Each known data set is recognised on a tree of its authors' pattern, at any level."""

import pytest

from pdd_cli.data.known_datasets import KNOWN, nearly_recognised, pairs_of, recognise_dataset
from pdd_cli.images.listing import list_pictures

TREES = {
    "realsr": [
        "Canon/Train/4/Canon_001_HR.png",
        "Canon/Train/4/Canon_001_LR4.png",
        "Nikon/Test/2/Nikon_001_HR.png",
        "Nikon/Test/2/Nikon_001_LR2.png",
    ],
    "drealsr": [
        "x4/Train_x4/train_HR/DSC_0978_x1.png",
        "x4/Train_x4/train_LR/DSC_0978_x4.png",
        "x4/Test_x4/test_HR/P1140291_x1.png",
        "x4/Test_x4/test_LR/P1140291_x4.png",
    ],
    "ntire2020-track1": [
        "Corrupted-tr-x/0001.png",
        "Corrupted-tr-y/0001.png",
        "Corrupted-va-x/0801.png",
        "DIV2K_valid_HR/0801.png",
        "Corrupted-te-x/0901.png",
    ],
    "ntire2020-track2": [
        "DPEDiphone-tr-x/0.png",
        "DPEDiphone-tr-y/0001.png",
        "DPEDiphone-va/1.png",
        "DPEDiphone-crop-te-x/2.png",
    ],
    "city100": [
        "City100/City100_NikonD5500/001H.PNG",
        "City100/City100_NikonD5500/001L.PNG",
        "City100/City100_iPhoneX/001H.PNG",
        "City100/City100_iPhoneX/001L.PNG",
    ],
    "div2k": [
        "DIV2K_train_HR/0001.png",
        "DIV2K_train_LR_bicubic/X4/0001x4.png",
        "DIV2K_valid_HR/0801.png",
        "DIV2K_valid_LR_unknown/X2/0801x2.png",
    ],
    "flickr2k": ["Flickr2K_HR/000001.png", "Flickr2K_LR_bicubic/X4/000001x4.png"],
    "df2k": ["DIV2K_train_HR/0001.png", "Flickr2K_HR/000001.png"],
    "stablesr-crops": [
        "RealSRVal_crop128/test_LR/Canon_001.png",
        "RealSRVal_crop128/test_HR/Canon_001.png",
    ],
}


@pytest.fixture
def tree(tmp_path, write):
    def make(names):
        for number, name in enumerate(names):
            write(tmp_path / "data" / name, 16, 16, number)
        return tmp_path / "data"

    return make


def recognised(folder):
    return recognise_dataset(folder, list_pictures(folder).pictures)


def test_every_known_data_set_has_a_tree_here():
    assert {dataset.name for dataset in KNOWN} == set(TREES)


@pytest.mark.parametrize("name", TREES)
def test_a_tree_of_the_authors_pattern_is_recognised(name, tree):
    found = recognised(tree(TREES[name]))
    assert found is not None
    assert found.dataset.name == name
    assert len(found.members) == len(TREES[name])


@pytest.mark.parametrize("name", TREES)
def test_a_tree_with_a_stranger_in_it_is_an_ordinary_folder(name, tree):
    folder = tree([*TREES[name], "holiday.jpg"])
    assert recognised(folder) is None
    near = nearly_recognised(folder, list_pictures(folder).pictures)
    assert near is not None
    assert [path.name for path in near.strangers] == ["holiday.jpg"]


def test_ordinary_photos_are_nearly_no_data_set(tree):
    folder = tree([f"holiday{number}.jpg" for number in range(3)])
    assert nearly_recognised(folder, list_pictures(folder).pictures) is None


@pytest.mark.parametrize("below", ["x4", "x4/Train_x4", "x4/Train_x4/train_LR"])
def test_any_level_of_a_tree_is_recognised(tree, below):
    found = recognised(tree(TREES["drealsr"]) / below)
    assert found is not None
    assert found.dataset.name == "drealsr"


def test_members_tell_role_split_scene_domain_and_scale(tree):
    found = recognised(tree(TREES["realsr"]))
    told = {(m.path.name, m.role, m.split, m.scene, m.domain, m.scale) for m in found.members}
    assert ("Canon_001_LR4.png", "lr", "train", "Canon_001", "Canon", 4) in told
    assert ("Nikon_001_HR.png", "hr", "test", "Nikon_001", "Nikon", 2) in told


@pytest.mark.parametrize("name", ["realsr", "drealsr", "city100", "stablesr-crops"])
def test_lr_and_hr_of_a_scene_come_together(name, tree):
    scenes = pairs_of(recognised(tree(TREES[name])).members)
    assert all(
        "hr" in files and any(role.startswith("lr") for role in files) for files in scenes.values()
    )


def test_ordinary_photos_are_no_known_data_set(tree):
    assert recognised(tree(["2024/IMG_0001.jpg", "2024/IMG_0002.jpg"])) is None
