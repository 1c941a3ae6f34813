"""The page as a person meets it: at the desk, on a phone, with a mouse, a finger and a keyboard."""

import json

import cv2
import numpy as np
import pytest

from pdd_cli.report.page import Comparison, Report, Section, Shown, Table, Verbatim
from pdd_cli.report.rendering import write_report

pytestmark = pytest.mark.browser

WIDTHS = {"phone": 360, "desktop": 1280}


class Page:
    """A page that is open in the browser."""

    def __init__(self, browser, path, width, scheme="light"):
        self.browser = browser
        self.width = width
        mobile = width < 600
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=800, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip
        self.tell("Emulation.setTouchEmulationEnabled", enabled=mobile)
        self.tell(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        for kind in ("browser", "performance"):
            browser.get_log(kind)  # of earlier pages
        browser.get(path.as_uri())
        self.run("return Promise.all([...document.images].map((image) => image.decode()))")

    def tell(self, command, **parameters):
        return self.browser.execute_cdp_cmd(command, parameters)

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def find(self, selector, index=0):
        found = self.browser.find_elements("css selector", selector)[index]
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found)
        return found

    def press(self, element, *keys):
        element.send_keys(*keys)

    def blue_share(self, index=0):
        """How much of a slider is its second picture, which is blue; the first is red."""
        data = np.frombuffer(self.find(".slider", index).screenshot_as_png, np.uint8)
        seen = cv2.imdecode(data, cv2.IMREAD_COLOR).astype(int)
        below = seen[seen.shape[0] * 3 // 4 :]  # the labels and the handle lie above
        blue, red = (below[..., 0] > 150) & (below[..., 2] < 50), below[..., 2] > 150
        return blue.sum() / (blue.sum() + (red & (below[..., 0] < 50)).sum())

    def zooms(self, index=0):
        """By how much each picture of a comparison is larger than its frame."""
        return self.run(
            """const comparison = document.querySelectorAll(".comparison")[arguments[0]];
            const width = (part) => part.getBoundingClientRect().width;
            return [...comparison.querySelectorAll(".stage img")].map(
              (image) => width(image) / width(image.closest(".stage")))""",
            index,
        )

    def places(self):
        """Where the pictures of the first comparison begin, as shares of their frames."""
        return self.run(
            """const comparison = document.querySelector(".comparison");
            return [...comparison.querySelectorAll(".stage img")].map((image) => {
              const stage = image.closest(".stage").getBoundingClientRect();
              const box = image.getBoundingClientRect();
              return [(box.left - stage.left) / stage.width, (box.top - stage.top) / stage.height];
            })"""
        )

    def point(self, element, x, y):
        """A place in an element, told as shares of its sides, in the window's pixels."""
        box = self.run("return arguments[0].getBoundingClientRect().toJSON()", element)
        return {"x": box["left"] + x * box["width"], "y": box["top"] + y * box["height"]}

    def mouse(self, kind, point, **more):
        self.tell(
            "Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **point, **more
        )

    def touch(self, kind, *points):
        self.tell("Input.dispatchTouchEvent", type=kind, touchPoints=list(points))


@pytest.fixture(params=WIDTHS)
def page(request, browser, report_file):
    return Page(browser, report_file, WIDTHS[request.param])


@pytest.fixture
def desktop(browser, report_file):
    return Page(browser, report_file, WIDTHS["desktop"])


@pytest.fixture
def phone(browser, report_file):
    return Page(browser, report_file, WIDTHS["phone"])


def test_every_picture_is_there(page):
    widths = page.run("return [...document.images].map((image) => image.naturalWidth)")
    assert widths == [128] * 6


def test_nothing_is_wider_than_the_screen(page):
    page.run("for (const part of document.querySelectorAll('details')) part.open = true")
    assert page.run("return document.documentElement.scrollWidth") <= page.width


def test_nothing_is_complained_of_and_no_request_leaves_the_file(page, report_file):
    page.press(page.find(".split"), *["\ue014"] * 3)
    page.find("button.in").click()
    assert page.browser.get_log("browser") == []
    messages = [json.loads(entry["message"]) for entry in page.browser.get_log("performance")]
    asked = [
        message["message"]["params"]["request"]["url"]
        for message in messages
        if message["message"]["method"] == "Network.requestWillBeSent"
    ]
    assert asked[0] == report_file.as_uri()
    assert {address.split(":")[0] for address in asked[1:]} <= {"data"}


def test_arrow_keys_move_the_slider_and_what_is_seen(page):
    slider = page.find(".split")
    assert page.blue_share() == pytest.approx(0.5, abs=0.03)
    page.press(slider, *["\ue014"] * 20)  # →
    assert slider.get_attribute("value") == "70"
    assert page.blue_share() == pytest.approx(0.3, abs=0.03)
    page.press(slider, "\ue011")  # Home
    assert page.blue_share() == pytest.approx(1, abs=0.03)
    assert page.blue_share(1) == pytest.approx(0.5, abs=0.03)


def test_the_slider_tells_its_place_in_words(page):
    slider = page.find(".split")
    page.press(slider, "\ue012")  # ←
    assert slider.get_attribute("aria-valuetext") == "49 % bicubic, 51 % adapted"


def test_dragging_on_the_picture_moves_the_line(desktop):
    slider = desktop.find(".slider")
    desktop.mouse("mousePressed", desktop.point(slider, 0.5, 0.8))
    desktop.mouse("mouseMoved", desktop.point(slider, 0.25, 0.8))
    desktop.mouse("mouseReleased", desktop.point(slider, 0.25, 0.8))
    assert desktop.find(".split").get_attribute("value") == "25"
    assert desktop.blue_share() == pytest.approx(0.75, abs=0.03)


def test_a_finger_moves_the_line(phone):
    slider = phone.find(".slider")
    phone.touch("touchStart", phone.point(slider, 0.5, 0.5))
    phone.touch("touchMove", phone.point(slider, 0.6, 0.5))
    phone.touch("touchMove", phone.point(slider, 0.8, 0.5))
    phone.touch("touchEnd")
    assert phone.blue_share() == pytest.approx(0.2, abs=0.04)


def test_the_buttons_zoom_all_pictures_of_a_comparison_and_of_no_other(page):
    assert page.zooms() == pytest.approx([1] * 4)
    page.find("button.in").click()
    assert page.zooms() == pytest.approx([2] * 4)
    assert page.zooms(1) == pytest.approx([1] * 2)
    assert page.find("output").text == "2×"
    page.find("button.out").click()
    assert page.zooms() == pytest.approx([1] * 4)


def test_the_whole_picture_comes_back(page):
    for _ in range(6):
        page.run("document.querySelector('button.in').click()")
    assert page.zooms() == pytest.approx([16] * 4)
    page.find("button.whole").click()
    assert page.zooms() == pytest.approx([1] * 4)
    assert np.allclose(page.places(), 0)


def test_keys_zoom_and_move_all_pictures_together(page):
    stage = page.find(".slider")
    page.press(stage, "+", *["\ue014"] * 2)  # →
    assert page.zooms() == pytest.approx([2] * 4)
    assert np.allclose(page.places(), [-0.7, -0.5], atol=0.01)
    page.press(stage, "0")
    assert page.zooms() == pytest.approx([1] * 4)


def test_the_wheel_zooms_with_ctrl_around_the_pointer_and_scrolls_without(desktop):
    slider = desktop.find(".slider")
    before = desktop.run("return scrollY")
    corner = desktop.point(slider, 0.01, 0.01)
    desktop.tell(
        "Input.dispatchMouseEvent", type="mouseWheel", deltaX=0, deltaY=-200, modifiers=2, **corner
    )
    assert desktop.zooms() == pytest.approx([2] * 4, abs=0.01)
    assert np.allclose(desktop.places(), 0, atol=0.02)
    assert desktop.run("return scrollY") == before
    desktop.tell("Input.dispatchMouseEvent", type="mouseWheel", deltaX=0, deltaY=150, **corner)
    desktop.run("return new Promise((done) => setTimeout(done, 300))")
    assert desktop.run("return scrollY") != before
    assert desktop.zooms() == pytest.approx([2] * 4, abs=0.01)


def test_dragging_a_zoomed_picture_moves_all_of_them(desktop):
    desktop.find("button.in").click()
    other = desktop.find(".others .stage")
    desktop.mouse("mousePressed", desktop.point(other, 0.5, 0.5))
    desktop.mouse("mouseMoved", desktop.point(other, 0.7, 0.6))
    desktop.mouse("mouseReleased", desktop.point(other, 0.7, 0.6))
    assert np.allclose(desktop.places(), [-0.3, -0.4], atol=0.02)


def test_two_fingers_zoom_all_pictures(phone):
    slider = phone.find(".slider")
    fingers = [[0.4, 0.6], [0.3, 0.7], [0.2, 0.8]]
    for kind, ends in zip(("touchStart", "touchMove", "touchMove"), fingers, strict=True):
        points = [{**phone.point(slider, x, 0.5), "id": n} for n, x in enumerate(ends)]
        phone.touch(kind, *points)
    phone.touch("touchEnd")
    zooms = phone.zooms()
    assert zooms == pytest.approx([3] * 4, abs=0.3)


def test_what_can_be_used_has_a_name_for_a_screen_reader(page):
    page.run("for (const part of document.querySelectorAll('details')) part.open = true")
    nodes = page.tell("Accessibility.getFullAXTree")["nodes"]
    named = {}
    for node in nodes:
        role = node.get("role", {}).get("value")
        if not node["ignored"] and role in ("button", "slider", "image", "link", "table", "status"):
            named.setdefault(role, []).append(node["name"]["value"])
    assert {role: len(names) for role, names in named.items()} == {
        "slider": 2, "button": 6, "image": 9, "link": 3, "table": 4, "status": 2,
    }  # fmt: skip
    assert all(name.strip() for names in named.values() for name in names)
    assert named["slider"][0] == "Where bicubic ends and adapted begins"
    assert "first: HR" in named["image"]
    assert any(name.startswith("PSNR. From 24 at step 0 to 25 dB") for name in named["image"])


def test_headings_follow_one_another_and_links_lead_somewhere(page):
    assert page.run("return document.documentElement.lang") == "en"
    levels = page.run(
        "return [...document.querySelectorAll('h1,h2,h3,h4')].map((h) => Number(h.tagName[1]))"
    )
    assert levels == [1, 2, 3, 3, 2, 2]
    assert page.run(
        "return [...document.links].every((link) => document.getElementById(link.hash.slice(1)))"
    )
    names = page.run("return [...document.querySelectorAll('[id]')].map((part) => part.id)")
    assert len(names) == len(set(names))


def test_buttons_are_as_large_as_a_finger(phone):
    sizes = phone.run(
        """return [...document.querySelectorAll("button, .split")].map((part) => {
          const box = part.getBoundingClientRect(); return Math.min(box.width, box.height); })"""
    )
    assert min(sizes) >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_paper(browser, report_file, scheme):
    page = Page(browser, report_file, 1280, scheme)
    colours = page.run(
        """const paper = getComputedStyle(document.body).backgroundColor;
        const inks = ["body", ".figures", "nav a", "summary", "figcaption span", "button"];
        return [paper, ...inks.map((name) => getComputedStyle(document.querySelector(name)).color)]
        """
    )
    paper, *inks = [[int(part) for part in c[4:-1].split(",")] for c in colours]
    assert (sum(paper) < 150) == (scheme == "dark")
    assert all(contrast(ink, paper) >= 4.5 for ink in inks)  # as WCAG 2 asks of text


def contrast(first, second):
    lights = sorted(luminance(colour) + 0.05 for colour in (first, second))
    return lights[1] / lights[0]


def luminance(colour):
    shares = [level / 255 for level in colour]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


def test_no_name_can_smuggle_anything_in(browser, tmp_path):
    evil = '"><script>window.stolen = 1</script><img src=x onerror="window.stolen = 2">'
    red, blue = (np.full((8, 8, 3), level, np.uint8) for level in (0, 255))
    blocks = (
        Comparison(evil, Shown(evil, red), Shown(evil, blue), (Shown(evil, blue, evil),), evil),
        Table(evil, (evil,), [(evil,)]),
        Verbatim(evil, evil),
    )
    written = write_report(
        Report(evil, evil, (Section(evil, blocks, evil),), evil), tmp_path / "evil.html"
    )
    page = Page(browser, written, 1280)
    assert page.run("return window.stolen ?? null") is None
    assert page.browser.title == evil
    assert page.run("return document.scripts.length") == 1
    assert page.browser.get_log("browser") == []


def test_the_page_forbids_what_somebody_might_add(browser, report_file, tmp_path):
    added = '<script>window.stolen = 1</script><img src="http://127.0.0.1:9/x.png"></body>'
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(report_file.read_text().replace("</body>", added))
    browser.get_log("browser")
    browser.get(spoilt.as_uri())
    assert browser.execute_script("return window.stolen ?? null") is None
    complaints = " ".join(entry["message"] for entry in browser.get_log("browser"))
    assert "script-src" in complaints
    assert "img-src" in complaints
