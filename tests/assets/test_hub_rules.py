"""The Hub's rules for a card's front matter, with faults planted one by one."""

import copy

import pytest

from pdd_cli.assets.hub_rules import broken_rules, licence_id

CARD = {
    "license": "bsd-3-clause",
    "library_name": "pdd",
    "pipeline_tag": "image-to-image",
    "tags": ["super-resolution", "arxiv:2407.07302"],
    "base_model": "ann/model",
    "base_model_relation": "finetune",
    "metrics": ["psnr"],
    "model-index": [
        {
            "name": "cat-x4",
            "results": [
                {
                    "task": {"type": "image-to-image"},
                    "dataset": {"type": "city100", "name": "City100"},
                    "metrics": [{"type": "psnr", "value": 25.24}],
                }
            ],
        }
    ],
}


def test_a_sound_card_breaks_no_rule():
    assert broken_rules(CARD) == []
    assert broken_rules({}) == []


RESULT = ("model-index", 0, "results", 0)


@pytest.mark.parametrize(
    ("place", "fault", "told"),
    [
        (("license",), "BSD-3-Clause", "license: 'BSD-3-Clause'"),
        (("license",), "other", "license_name"),
        (("pipeline_tag",), "super-resolution", "pipeline_tag"),
        (("tags",), "super-resolution", "tags"),
        (("tags", 0), 4, "tags"),
        (("metrics",), {"psnr": 1}, "metrics"),
        (("library_name",), 3, "library_name"),
        (("base_model",), "https://huggingface.co/ann/model", "base_model"),
        (("base_model_relation",), "finetuned", "base_model_relation"),
        (("model-index",), {"name": "cat-x4"}, "a list of models"),
        (("model-index", 0, "name"), None, "a model needs a name"),
        (("model-index", 0, "results"), [], "a list of results"),
        ((*RESULT, "task"), {}, "its task's type"),
        ((*RESULT, "dataset"), {"type": "city100"}, "its dataset's name"),
        ((*RESULT, "dataset", "type"), "", "its dataset's type"),
        ((*RESULT, "metrics"), [], "a list of metrics"),
        ((*RESULT, "metrics", 0, "type"), None, "a metric needs a type"),
        ((*RESULT, "metrics", 0, "value"), None, "no value of a metric"),
        ((*RESULT, "metrics", 0, "value"), float("inf"), "must be finite"),
    ],
)
def test_each_planted_fault_is_found_alone(place, fault, told):
    card = copy.deepcopy(CARD)
    part = card
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = fault
    (broken,) = broken_rules(card)
    assert told in broken


def test_what_is_no_mapping_is_refused():
    assert broken_rules(["license: mit"])
    assert broken_rules(None)


def test_licences_get_the_hubs_identifiers():
    assert licence_id("BSD-3-Clause") == "bsd-3-clause"
    assert licence_id("S-Lab License 1.0") == "other"
    assert licence_id(None) == "unknown"
