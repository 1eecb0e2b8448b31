// How numbers, days and moments are written. Days are days of UTC, everywhere.

const UTC = { timeZone: "UTC" };
const number = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact" });
const dayShort = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", ...UTC });
const dayLong = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", ...UTC });
const dayYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", ...UTC });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

export const formatNumber = (value) => number.format(value);
export const formatCompact = (value) => compact.format(value);
export const formatDay = (day) => dayShort.format(new Date(day));
export const formatDayInFull = (day) => dayLong.format(new Date(day));
export const formatDate = (moment) => dayYear.format(new Date(moment));
export const formatClock = (moment) => clock.format(moment);

/** Write a number of things: "1 text", "12 texts". */
export const count = (value, noun) => `${formatNumber(value)} ${noun}${value === 1 ? "" : "s"}`;

/** Write how long it is until the next midnight of UTC: "5 h 12 min". */
export function untilMidnight(now) {
  const minutes = Math.ceil((Date.parse(dayOf(now)) + 86_400_000 - now) / 60_000);
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

/** Give the day of UTC of a moment in milliseconds: "2026-11-29". */
export const dayOf = (moment) => new Date(moment).toISOString().slice(0, 10);

/** List the last days, oldest first, today included. */
export const lastDays = (length, now) =>
  Array.from({ length }, (_, index) => dayOf(now - (length - 1 - index) * 86_400_000));
