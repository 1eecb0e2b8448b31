// What the pointer or the focus on a day shows beside it. A screen reader hears the same
// from the day's own label, so the tip is silent.

import { el, swatch } from "./dom.js";
import { formatDayInFull, formatNumber } from "./format.js";

export class Tip {
  #root;
  #box;

  constructor(root) {
    this.#root = root;
    this.#box = el("div", { class: "tip", "aria-hidden": "true", hidden: "" });
    root.append(this.#box);
  }

  hide() {
    this.#box.hidden = true;
  }

  /** Tell a day's figures beside its column, within the chart. */
  show(model, day, column) {
    this.#box.replaceChildren(el("p", {}, formatDayInFull(day.day)), table(model, day));
    this.#box.hidden = false;
    const [frame, at] = [this.#root, column.querySelector(".hit")].map((each) =>
      each.getBoundingClientRect(),
    );
    const right = at.right - frame.left + 8;
    const fits = right + this.#box.offsetWidth <= frame.width;
    const left = fits ? right : at.left - frame.left - 8 - this.#box.offsetWidth;
    const room = frame.width - this.#box.offsetWidth;
    this.#box.style.left = `${Math.max(0, Math.min(room, left))}px`;
  }
}

function table(model, day) {
  const rows = model.keys.flatMap((key, index) => {
    const part = day.parts[index];
    return part.requests ? [row(key, part)] : [];
  });
  const head = el("tr", {}, el("th"), el("th", {}, "texts"), el("th", {}, "requests"));
  const total = el("tr", { class: "total" }, el("th", {}, "All"), ...figures(day));
  return el("table", {}, head, ...(rows.length === 1 ? rows : [...rows, total]));
}

function row(key, part) {
  const name = el("th", {}, swatch(key.colour), key.name);
  return el("tr", {}, name, ...figures(part));
}

const figures = ({ texts, requests }) =>
  [texts, requests].map((value) => el("td", {}, formatNumber(value)));
