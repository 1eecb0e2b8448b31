// The chart: a column a day, texts above and requests below, stacked by key. It is one
// stop of the Tab key; the arrow keys walk from day to day, and each day says its figures.

import { svg } from "./dom.js";
import { count, formatCompact, formatDay, formatDayInFull, formatNumber } from "./format.js";
import { marks } from "./model.js";
import { Tip } from "./tip.js";

const PANELS = [
  { field: "texts", title: "Texts", height: 190, marks: 4 },
  { field: "requests", title: "Requests", height: 96, marks: 2 },
];
const [HEAD, GAP, FOOT, RIGHT] = [26, 18, 26, 18];
const LABEL = { width: 7, room: 58 }; // Pixels a digit of an axis, and between two days.

export class Chart {
  #root;
  #tip;
  #model;
  #columns = [];
  #chosen = -1;

  constructor(root) {
    this.#root = root;
    this.#tip = new Tip(root);
    root.addEventListener("keydown", (event) => this.#walk(event));
    root.addEventListener("focusout", () => this.#tip.hide());
    root.addEventListener("pointerleave", () => this.#tip.hide());
    new ResizeObserver(() => this.#draw()).observe(root);
  }

  /** Draw other figures; whoever stands on a day keeps standing there. */
  show(model) {
    this.#model = model;
    this.#draw();
  }

  #draw() {
    const width = Math.floor(this.#root.clientWidth);
    if (!this.#model || width === 0) return;
    const hadFocus = this.#root.contains(document.activeElement);
    const picture = draw(this.#model, width);
    this.#root.querySelector("svg")?.remove();
    this.#root.prepend(picture);
    this.#columns = [...picture.querySelectorAll(".day")];
    this.#columns.forEach((column, index) => this.#listen(column, index));
    this.#choose(Math.min(this.#chosen, this.#columns.length - 1));
    this.#tip.hide();
    if (hadFocus) this.#columns.at(this.#chosen).focus({ preventScroll: true });
  }

  #listen(column, index) {
    const tell = () => this.#tip.show(this.#model, this.#model.days[index], column);
    column.addEventListener("pointerenter", tell);
    column.addEventListener("focus", () => {
      this.#choose(index);
      tell();
    });
  }

  // The last day, today, is where a first Tab arrives.
  #choose(index) {
    this.#columns.at(this.#chosen)?.setAttribute("tabindex", "-1");
    this.#chosen = index;
    this.#columns.at(index).setAttribute("tabindex", "0");
  }

  #walk(event) {
    if (event.key === "Escape") return this.#tip.hide();
    const last = this.#columns.length - 1;
    const here = this.#columns.indexOf(document.activeElement);
    const targets = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last };
    const target = targets[event.key];
    if (here < 0 || target === undefined) return undefined;
    event.preventDefault();
    return this.#columns[Math.max(0, Math.min(last, target))].focus();
  }
}

function draw(model, width) {
  const scales = PANELS.map((panel) => scaleOf(panel, model));
  const left = LABEL.width * Math.max(...scales.map((each) => each.digits)) + 10;
  const slot = (width - left - RIGHT) / model.days.length;
  const height = PANELS.reduce((sum, each) => sum + HEAD + each.height, GAP + FOOT);
  const picture = svg(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, class: slot < 6 ? "thin" : "", role: "group", "aria-labelledby": "chart-title chart-desc" },
    svg("title", { id: "chart-title" }, "Texts and requests by day, stacked by key"),
    svg("desc", { id: "chart-desc" }, describe(model)),
  );
  const columns = model.days.map((day, index) => dayColumn(day, left + index * slot, slot, height));
  let top = HEAD;
  PANELS.forEach((panel, index) => {
    const place = { top, left, right: width - RIGHT, slot, ...panel, ...scales[index] };
    picture.append(axis(place));
    columns.forEach((column, at) => column.append(...bars(model, model.days[at], place, at)));
    top += panel.height + HEAD + GAP;
  });
  picture.append(...columns, dayLabels(model.days, left, slot, height));
  return picture;
}

function describe(model) {
  const [first, last] = [model.days[0], model.days.at(-1)];
  return (
    `${formatDayInFull(first.day)} to ${formatDayInFull(last.day)}: ` +
    `${count(model.texts, "text")} in ${count(model.requests, "request")}. ` +
    "The arrow keys move between days."
  );
}

// A limit that is near belongs in the picture; one far above would flatten the bars.
function scaleOf(panel, model) {
  const highest = Math.max(0, ...model.days.map((day) => day[panel.field]));
  const limit = panel.field === "texts" && highest > model.limit / 2 ? model.limit : 0;
  const ticks = marks(Math.max(highest, limit), panel.marks);
  const digits = Math.max(...ticks.map((tick) => formatCompact(tick).length));
  return { ticks, limit, digits, top_value: ticks.at(-1) };
}

const heightOf = (value, place) => (value / place.top_value) * place.height;

function axis(place) {
  const { left, right, top, height, title } = place;
  const group = svg("g", { class: "axis", "aria-hidden": "true" });
  group.append(svg("text", { class: "panel", x: 0, y: top - 12 }, title));
  for (const tick of place.ticks) {
    const y = Math.round(top + height - heightOf(tick, place)) + 0.5;
    group.append(
      svg("line", { class: tick ? "rule" : "base", x1: left, x2: right, y1: y, y2: y }),
      svg("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, formatCompact(tick)),
    );
  }
  if (place.limit) group.append(...limitLine(place));
  return group;
}

function limitLine(place) {
  const y = Math.round(place.top + place.height - heightOf(place.limit, place)) + 0.5;
  const label = `Limit ${formatNumber(place.limit)} a day`;
  return [
    svg("line", { class: "limit", x1: place.left, x2: place.right, y1: y, y2: y }),
    svg("text", { class: "limit", x: place.right, y: place.top - 12, "text-anchor": "end" }, label),
  ];
}

function dayColumn(day, x, slot, height) {
  const parts = `${count(day.texts, "text")}, ${count(day.requests, "request")}`;
  const label = `${formatDayInFull(day.day)}: ${parts}`;
  return svg(
    "g",
    { class: "day", role: "img", tabindex: "-1", "aria-label": label, "data-day": day.day },
    svg("rect", { class: "hit", x, y: HEAD - 4, width: slot, height: height - HEAD - FOOT + 8, rx: 3 }),
  );
}

function bars(model, day, place, index) {
  const width = Math.max(2, Math.min(26, place.slot * 0.72));
  const x = place.left + index * place.slot + (place.slot - width) / 2;
  let y = place.top + place.height;
  return day.parts.flatMap((part, key) => {
    const value = part[place.field];
    if (value === 0) return [];
    const height = Math.max(1.5, heightOf(value, place));
    y -= height;
    const colour = `bar colour-${model.keys[key].colour}`;
    return svg("rect", { class: colour, x, y, width, height, rx: Math.min(2, height / 2) });
  });
}

// Labels are counted from today backwards, as many as have room.
function dayLabels(days, left, slot, height) {
  const every = Math.ceil(LABEL.room / slot);
  const last = days.length - 1;
  const group = svg("g", { class: "axis", "aria-hidden": "true" });
  for (let index = last; index >= 0; index -= every) {
    const x = left + (index + 0.5) * slot;
    group.append(svg("text", { x, y: height - 8, "text-anchor": "middle" }, formatDay(days[index].day)));
  }
  return group;
}
