import pytest

from pdd_cli.data.layouts import photos_to_adapt_to, pictures_to_upscale, recognise
from pdd_cli.errors import DataError


@pytest.fixture
def realsr(tmp_path, write):
    root = tmp_path / "RealSR"
    for camera in ("Canon", "Nikon"):
        for split, scenes in (("Train", 2), ("Test", 1)):
            for scale in (2, 4):
                for number in range(scenes):
                    stem = root / camera / split / str(scale) / f"{camera}_{split}{number}"
                    write(stem.with_name(f"{stem.name}_HR.png"), 16, 16)
                    write(stem.with_name(f"{stem.name}_LR{scale}.png"), 16, 16)
    return root


def names(paths):
    return [path.name for path in paths]


def test_only_lr_of_the_training_split_and_the_scale_is_learnt_from(realsr):
    chosen = photos_to_adapt_to(realsr, 4)
    assert names(chosen.paths) == [
        f"{camera}_Train{n}_LR4.png" for camera in ("Canon", "Nikon") for n in (0, 1)
    ]
    assert "two domains" in chosen.note
    assert str(realsr / "Canon") in chosen.note


@pytest.mark.parametrize("below", ["Canon", "Canon/Train", "Canon/Train/4"])
def test_the_tree_may_be_entered_at_any_level(realsr, below):
    chosen = photos_to_adapt_to(realsr / below, 4)
    assert names(chosen.paths) == ["Canon_Train0_LR4.png", "Canon_Train1_LR4.png"]


def test_a_test_split_is_never_learnt_from(realsr):
    with pytest.raises(DataError, match="no Train photos"):
        photos_to_adapt_to(realsr / "Canon" / "Test", 4)


def test_a_scale_that_the_tree_lacks_is_named(realsr):
    with pytest.raises(DataError, match="×3"):
        photos_to_adapt_to(realsr, 3)


def test_upscaling_takes_the_lr_and_leaves_the_hr(realsr):
    chosen = pictures_to_upscale(realsr, 4)
    assert names(chosen.paths) == ["Canon_Test0_LR4.png", "Nikon_Test0_LR4.png"]
    assert "not the HR" in chosen.note


def test_a_flat_folder_with_realsr_names_is_understood(tmp_path, write):
    for name in ("a_LR4.png", "a_HR.png", "b_LR4.png", "b_HR.png"):
        write(tmp_path / name, 16, 16)
    assert names(pictures_to_upscale(tmp_path, 4).paths) == ["a_LR4.png", "b_LR4.png"]


def test_lr_copied_without_its_hr_is_an_ordinary_folder(tmp_path, write):
    for name in ("a_LR4.png", "b_LR4.png"):
        write(tmp_path / name, 16, 16)
    assert recognise(tmp_path) is None
    assert names(pictures_to_upscale(tmp_path, 4).paths) == ["a_LR4.png", "b_LR4.png"]


def test_an_ordinary_folder_is_taken_whole(tmp_path, write):
    write(tmp_path / "deep" / "a.jpg", 16, 16)
    write(tmp_path / "b.png", 16, 16)
    (tmp_path / "list.txt").write_text("")
    chosen = photos_to_adapt_to(tmp_path, 4)
    assert names(chosen.paths) == ["b.png", "a.jpg"]
    assert names(chosen.skipped) == ["list.txt"]
    assert chosen.note is None
