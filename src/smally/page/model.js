// From the service's answer to what is drawn; pure: values in, values out.

const COLOURS = 6;

/** What the chart, the legend and the table show. */
export function summarise(usage, days) {
  const keys = colour(totalsByKey(usage.days));
  const byDay = new Map(days.map((day) => [day, emptyDay(day, keys.shown.length)]));
  for (const row of usage.days) {
    const day = byDay.get(row.day);
    if (day) add(day, keys.indexOf.get(row.key_id), row);
  }
  return {
    days: [...byDay.values()],
    keys: keys.shown,
    colourOf: keys.indexOf,
    texts: sum(usage.days, "texts"),
    requests: sum(usage.days, "requests"),
    limit: usage.limits.texts_per_day,
  };
}

export const sum = (rows, field) => rows.reduce((total, row) => total + row[field], 0);

function totalsByKey(rows) {
  const totals = new Map();
  for (const { key_id, key_name, prefix, texts } of rows) {
    const total = totals.get(key_id) ?? { id: key_id, name: key_name, prefix, texts: 0 };
    total.texts += texts;
    totals.set(key_id, total);
  }
  return [...totals.values()];
}

// The busiest keys have a colour each, in the order of their making, so that a key keeps
// its colour as the figures grow; the rest share a grey.
function colour(totals) {
  const busiest = totals.toSorted((a, b) => b.texts - a.texts);
  const many = totals.length > COLOURS;
  const own = busiest.slice(0, many ? COLOURS - 1 : COLOURS).sort((a, b) => a.id - b.id);
  const indexOf = new Map(own.map((key, index) => [key.id, index]));
  const rest = totals.filter((key) => !indexOf.has(key.id));
  const shown = own.map((key, index) => ({ ...key, colour: index + 1 }));
  if (many) shown.push({ name: `${rest.length} other keys`, prefix: "", colour: 0 });
  for (const key of rest) indexOf.set(key.id, own.length);
  return { shown, indexOf };
}

const emptyDay = (day, keys) => ({
  day,
  texts: 0,
  requests: 0,
  parts: Array.from({ length: keys }, () => ({ texts: 0, requests: 0 })),
});

function add(day, index, row) {
  for (const field of ["texts", "requests"]) {
    day[field] += row[field];
    day.parts[index][field] += row[field];
  }
}

/** Choose the marks of an axis: whole numbers from 0, evenly, to the top. */
export function marks(highest, wanted) {
  const rough = Math.max(highest, 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].find((each) => each * power >= rough) * power);
  const top = Math.max(1, Math.ceil(highest / step));
  return Array.from({ length: top + 1 }, (_, index) => index * step);
}
