"use strict";

// Comparisons: one slider, and one zoom for all pictures of the same place. The slider is an
// ordinary range input, so that keyboard and screen reader need nothing of ours; dragging on the
// picture moves that input.

const LARGEST_ZOOM = 16;
const NEAR_DIVIDER = 28; // CSS pixels: the width of a finger

class Comparison {
  constructor(element) {
    this.element = element;
    this.slider = element.querySelector(".slider");
    this.range = element.querySelector(".split");
    this.output = element.querySelector("output");
    this.buttons = Object.fromEntries(
      ["in", "out", "whole"].map((name) => [name, element.querySelector(`button.${name}`)]),
    );
    this.zoom = 1;
    this.left = 0; // of the visible section, as a share of the picture
    this.top = 0;
    this.pointers = new Map();

    this.range.addEventListener("input", () => this.showSplit());
    this.buttons.in.addEventListener("click", () => this.zoomBy(2));
    this.buttons.out.addEventListener("click", () => this.zoomBy(1 / 2));
    this.buttons.whole.addEventListener("click", () => this.showWhole());
    this.slider.addEventListener("keydown", (event) => this.onKey(event));
    for (const stage of element.querySelectorAll(".stage")) {
      stage.addEventListener("wheel", (event) => this.onWheel(event, stage), { passive: false });
      stage.addEventListener("pointerdown", (event) => this.onDown(event, stage));
      stage.addEventListener("pointermove", (event) => this.onMove(event, stage));
      for (const ending of ["pointerup", "pointercancel"]) {
        stage.addEventListener(ending, (event) => this.pointers.delete(event.pointerId));
      }
    }
    new ResizeObserver(() => this.showZoom()).observe(this.slider);
    this.showSplit();
  }

  showSplit() {
    const share = Number(this.range.value);
    this.element.style.setProperty("--split", `${share}%`);
    const [before, after] = [...this.slider.querySelectorAll(".label")].map((l) => l.textContent);
    this.range.setAttribute("aria-valuetext", `${share} % ${before}, ${100 - share} % ${after}`);
  }

  showZoom() {
    const style = this.element.style;
    style.setProperty("--zoom", String(this.zoom));
    style.setProperty("--left", `${-100 * this.left * this.zoom}%`);
    style.setProperty("--top", `${-100 * this.top * this.zoom}%`);
    const picture = this.slider.querySelector("img");
    const magnified = (this.zoom * this.slider.clientWidth) / picture.naturalWidth >= 1.5;
    this.element.classList.toggle("magnified", magnified);
    this.element.classList.toggle("zoomed", this.zoom > 1);
    this.output.textContent = `${Math.round(10 * this.zoom) / 10}×`;
    this.buttons.in.disabled = this.zoom >= LARGEST_ZOOM;
    this.buttons.out.disabled = this.zoom <= 1;
    this.buttons.whole.disabled = this.zoom <= 1;
  }

  // Zoom around a place of the stage, told as shares of its width and height.
  zoomBy(factor, x = 0.5, y = 0.5) {
    const zoom = clamp(this.zoom * factor, 1, LARGEST_ZOOM);
    this.left += x / this.zoom - x / zoom;
    this.top += y / this.zoom - y / zoom;
    this.zoom = zoom;
    this.moveBy(0, 0);
  }

  // Move the visible section by shares of the stage.
  moveBy(x, y) {
    this.left = clamp(this.left + x / this.zoom, 0, 1 - 1 / this.zoom);
    this.top = clamp(this.top + y / this.zoom, 0, 1 - 1 / this.zoom);
    this.showZoom();
  }

  showWhole() {
    this.zoomBy(1 / this.zoom);
  }

  onKey(event) {
    const moves = {
      ArrowLeft: [-0.1, 0],
      ArrowRight: [0.1, 0],
      ArrowUp: [0, -0.1],
      ArrowDown: [0, 0.1],
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") this.zoomBy(2);
    else if (event.key === "-") this.zoomBy(1 / 2);
    else if (event.key === "0") this.showWhole();
    else if (event.key in moves && this.zoom > 1) this.moveBy(...moves[event.key]);
    else return;
    event.preventDefault();
  }

  // The wheel scrolls the page, unless Ctrl is held (as a trackpad's pinch does) or the pictures
  // are in use.
  onWheel(event, stage) {
    if (!event.ctrlKey && !event.metaKey && !this.element.contains(document.activeElement)) return;
    event.preventDefault();
    const place = placeOn(stage, event);
    this.zoomBy(2 ** (-event.deltaY / 200), place.x, place.y);
  }

  onDown(event, stage) {
    if (event.button !== 0) return;
    const place = placeOn(stage, event);
    this.pointers.set(event.pointerId, place);
    stage.setPointerCapture(event.pointerId);
    const distance = Math.abs(place.x * 100 - Number(this.range.value)) / 100;
    const near = distance * stage.clientWidth < NEAR_DIVIDER;
    this.splitting = stage === this.slider && (this.zoom === 1 || near);
    if (this.splitting && this.pointers.size === 1) this.splitAt(place.x);
  }

  onMove(event, stage) {
    const earlier = this.pointers.get(event.pointerId);
    if (!earlier) return;
    const now = placeOn(stage, event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (other) {
      const factor = apart(now, other, stage) / Math.max(1, apart(earlier, other, stage));
      this.zoomBy(factor, (now.x + other.x) / 2, (now.y + other.y) / 2);
      this.moveBy((earlier.x - now.x) / 2, (earlier.y - now.y) / 2);
    } else if (this.splitting) {
      this.splitAt(now.x);
    } else {
      this.moveBy(earlier.x - now.x, earlier.y - now.y);
    }
  }

  splitAt(x) {
    this.range.value = String(Math.round(100 * clamp(x, 0, 1)));
    this.showSplit();
  }
}

function placeOn(stage, event) {
  const box = stage.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

function apart(first, second, stage) {
  const [width, height] = [stage.clientWidth, stage.clientHeight];
  return Math.hypot((first.x - second.x) * width, (first.y - second.y) * height);
}

function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

for (const element of document.querySelectorAll(".comparison")) new Comparison(element);
