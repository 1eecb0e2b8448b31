// What the figures look like, but the chart: the meters, the legend and the two tables.

import { el, find, swatch } from "./dom.js";
import { count, formatDate, formatDay, formatDayInFull, formatNumber, untilMidnight } from "./format.js";

const NEAR = 0.8; // A meter warns from here on.

/** Fill in all that belongs to a key's owner. */
export function showBoard(usage, keys, model, ownPrefix) {
  find("email").replaceChildren(...breakable(usage.email));
  find("tier").textContent = usage.tier;
  showMeters(usage);
  const total = `${count(model.texts, "text")} in ${count(model.requests, "request")}`;
  find("usage-total").textContent = model.requests ? `${total}, stacked by key` : "";
  showLegend(model);
  showFigures(usage.days, model);
  find("keys").replaceChildren(...keys.map((key) => keyRow(key, model, ownPrefix)));
}

// A long address breaks after its @ and its dots, before it breaks anywhere.
const breakable = (email) => email.split(/(?<=[@.])/).flatMap((part) => [part, el("wbr")]);

function showMeters({ limits, used }) {
  showMeter(find("meter-requests"), {
    title: "Requests this minute",
    used: used.requests_this_minute,
    limit: limits.requests_per_minute,
    note: "Starts again a minute after its first request",
  });
  showMeter(find("meter-texts"), {
    title: "Texts today",
    used: used.texts_today,
    limit: limits.texts_per_day,
    note: `Starts again at midnight UTC, in ${untilMidnight(Date.now())}`,
  });
}

function showMeter(card, { title, used, limit, note }) {
  const share = Math.min(1, used / limit);
  const level = share >= 1 ? "full" : share >= NEAR ? "near" : "fine";
  const words = { full: "Nothing is left", near: `Only ${formatNumber(limit - used)} left`, fine: `${formatNumber(limit - used)} left` };
  const fill = el("div", { class: "fill" });
  fill.style.inlineSize = `${share * 100}%`;
  const meter = el("div", {
    class: `meter ${level}`,
    role: "meter",
    "aria-label": title,
    "aria-valuemin": 0,
    "aria-valuemax": limit,
    "aria-valuenow": Math.min(used, limit),
    "aria-valuetext": `${formatNumber(used)} of ${formatNumber(limit)}`,
  }, fill);
  card.replaceChildren(
    el("h2", {}, title),
    el("p", { class: "figure" }, el("strong", {}, formatNumber(used)), ` of ${formatNumber(limit)}`),
    meter,
    el("p", { class: "hint" }, el("span", { class: `left ${level}` }, words[level]), ` · ${note}`),
  );
}

function showLegend(model) {
  const items = model.keys.map((key) =>
    el("li", {}, swatch(key.colour), key.name, " ", el("code", {}, key.prefix)),
  );
  find("legend").replaceChildren(...items);
}

function showFigures(rows, model) {
  const newest = rows.toSorted((a, b) => b.day.localeCompare(a.day) || a.key_id - b.key_id);
  find("figures-rows").replaceChildren(...newest.map(figureRow));
  find("figures-total").replaceChildren(
    el("tr", {}, el("th", { scope: "row", colspan: 2 }, "Total"), numberCell(model.texts), numberCell(model.requests)),
  );
}

function figureRow(row) {
  const day = el("time", { datetime: row.day, title: formatDayInFull(row.day) }, formatDay(row.day));
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, day),
    el("td", {}, row.key_name, " ", el("code", {}, row.prefix)),
    numberCell(row.texts),
    numberCell(row.requests),
  );
}

const numberCell = (value) => el("td", { class: "number" }, formatNumber(value));

// Narrow screens show a row as a card, where each cell carries its column's name.
function keyRow(key, model, ownPrefix) {
  const name = el("th", { scope: "row", role: "rowheader" }, key.name);
  const colour = model.keys[model.colourOf.get(key.id)]?.colour;
  if (model.keys.length) name.prepend(swatch(colour ?? "none"));
  if (key.prefix === ownPrefix) name.append(" ", el("span", { class: "badge" }, "this key"));
  const state = key.is_active ? "active" : "revoked";
  const used = key.last_used_at ? moment(key.last_used_at) : ["never"];
  return el(
    "tr",
    { role: "row" },
    name,
    keyCell("Begins with", el("code", {}, key.prefix)),
    keyCell("State", el("span", { class: `state ${state}` }, state), ...moment(key.revoked_at, " ")),
    keyCell("Created", ...moment(key.created_at)),
    keyCell("Last used", ...used),
  );
}

const keyCell = (label, ...content) => el("td", { role: "cell", "data-label": label }, ...content);

const moment = (value, before = "") =>
  value ? [before, el("time", { datetime: value }, formatDate(value))] : [];
