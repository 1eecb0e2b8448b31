// Making elements. Text stays text: nothing on this page is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Find an element of the page by its id. */
export const find = (id) => document.getElementById(id);

/** Make an HTML element: el("p", { class: "hint" }, "text", child). */
export const el = (name, attributes, ...children) =>
  fill(document.createElement(name), attributes, children);

/** Make an SVG element in the same way. */
export const svg = (name, attributes, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

/** Make the little square of a key's colour; its name stands beside it. */
export const swatch = (colour) =>
  el("span", { class: `swatch colour-${colour}`, "aria-hidden": "true" });

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
