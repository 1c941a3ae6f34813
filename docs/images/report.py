"""Makes ``report.jpg``: the page of ``pdd demo`` at the desk and on a phone, in headless Chromium.

python docs/images/report.py pdd-demo/report.html docs/images/report.jpg
"""

import base64
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from selenium import webdriver

_HEIGHT = 850

# Where the first comparison lies, from its heading on, and a closer look at it.
_ZOOM_IN = """
const comparison = document.querySelector(".comparison");
comparison.querySelector("button.in").click();
const press = (key) =>
  comparison.querySelector(".slider").dispatchEvent(new KeyboardEvent("keydown", { key }));
const slider = comparison.querySelector(".split");
slider.value = 40;
slider.dispatchEvent(new Event("input"));
for (let times = 0; times < 4; times += 1) press("ArrowUp");
"""
_PLACE = "return document.querySelector('.comparison').getBoundingClientRect().top + scrollY - 24"


def main(page: Path, output: Path) -> None:
    """Photograph the page twice, and put the pictures beside each other."""
    with TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        for flag in ("headless", "no-sandbox", "disable-gpu", f"user-data-dir={profile}"):
            options.add_argument(f"--{flag}")
        options.binary_location = shutil.which("chromium") or ""
        browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        browser.get(page.resolve().as_uri())
        phone = _photograph(browser, 360, "dark")
        browser.execute_script(_ZOOM_IN)
        desk = _photograph(browser, 1080, "light")
        browser.quit()
    both = np.concatenate([desk, np.full((_HEIGHT, 20, 3), 128, np.uint8), phone], axis=1)
    cv2.imwrite(str(output), both, [cv2.IMWRITE_JPEG_QUALITY, 88])


def _photograph(browser: webdriver.Chrome, width: int, scheme: str) -> np.ndarray:
    size = {"width": width, "height": _HEIGHT, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    colours = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": colours})
    top = browser.execute_script(_PLACE)
    clip = {"x": 0, "y": top, "width": width, "height": _HEIGHT, "scale": 1}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
    )
    return cv2.imdecode(np.frombuffer(base64.b64decode(shot["data"]), np.uint8), cv2.IMREAD_COLOR)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
