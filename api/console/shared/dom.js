// Builds elements. Data becomes text, never markup: there is no way here to pass HTML.

const SVG = "http://www.w3.org/2000/svg";

const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;

/** Without the marks that turn the direction of what follows; the same as in `rendering.py`. */
export function straight(value) {
  return typeof value === "string" ? value.replace(TURNS, "") : value;
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : straight(value));
  }
  made.append(
    ...children
      .flat()
      .filter((child) => child !== null && child !== undefined)
      .map(straight),
  );
  return made;
}

/** `element("p", {class: "faint"}, "some text", another)`. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for drawings. */
export function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}
