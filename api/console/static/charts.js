// Two drawings, in SVG of our own: bars that lie, columns that stand. Each says itself in words.

import { drawing, element } from "./dom.js";

const ROW = 34, LABEL = 150, WIDTH = 460;
let made = 0;

function frame(title, description, width, height, ...content) {
  const id = `chart-${++made}`;
  return drawing(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": `${id}-title ${id}-desc`, class: "chart" },
    drawing("title", { id: `${id}-title` }, title),
    drawing("desc", { id: `${id}-desc` }, description),
    ...content,
  );
}

function short(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** `rows`: `[label, number, words]`. */
export function bars(title, rows) {
  if (!rows.some(([, number]) => number)) return element("p", { class: "faint" }, "Nothing yet.");
  const most = Math.max(...rows.map(([, number]) => number));
  const line = ([label, number, words], at) => {
    const y = at * ROW;
    const length = (number / most) * (WIDTH - LABEL - 160);
    return drawing(
      "g",
      {},
      drawing("title", {}, `${label}: ${words}`),
      drawing("text", { x: LABEL - 12, y: y + 21, "text-anchor": "end", class: "label" }, short(label, 18)),
      drawing("rect", { x: LABEL, y: y + 7, width: Math.max(length, number ? 3 : 0), height: ROW - 14, rx: 4, class: "bar" }),
      drawing("text", { x: LABEL + length + 8, y: y + 21, class: "value" }, words),
    );
  };
  const said = rows.map(([label, , words]) => `${label}: ${words}`).join("; ");
  return frame(title, said, WIDTH, rows.length * ROW, ...rows.map(line));
}

const HEIGHT = 150, WIDE = 960, FLOOR = 120;

/** `days`: `{label, parts: [[kind, number], …]}`, one column each, its parts on top of each other. */
export function columns(title, days) {
  const sum = (day) => day.parts.reduce((total, [, number]) => total + number, 0);
  const most = Math.max(1, ...days.map(sum));
  const step = WIDE / days.length;
  const column = (day, at) => {
    let y = FLOOR;
    const pieces = day.parts.filter(([, number]) => number > 0).map(([kind, number]) => {
      const height = (number / most) * (FLOOR - 14);
      y -= height;
      return drawing("rect", { x: at * step + step * 0.15, y, width: step * 0.7, height, class: `part ${kind}` });
    });
    const words = day.parts.map(([kind, number]) => `${number} ${kind}`).join(", ");
    return drawing("g", {}, drawing("title", {}, `${day.label}: ${words}`), ...pieces);
  };
  const every = Math.ceil(days.length / 10);
  const label = (day, at) =>
    at % every ? null : drawing("text", { x: at * step + step * 0.15, y: HEIGHT - 8, class: "label" }, day.label.slice(5));
  const said = days.filter(sum).map((day) => `${day.label}: ${sum(day)}`).join("; ") || "none";
  const top = [
    drawing("line", { x1: 0, x2: WIDE, y1: FLOOR, y2: FLOOR, class: "axis" }),
    drawing("line", { x1: 0, x2: WIDE, y1: 14, y2: 14, class: "axis faint-line" }),
    drawing("text", { x: 0, y: 10, class: "label" }, String(most)),
  ];
  const drawn = frame(title, said, WIDE, HEIGHT, ...top, ...days.map(column), ...days.map(label).filter(Boolean));
  const kinds = days[0].parts.map(([kind]) => element("li", { class: "key" }, element("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), kind));
  return element("div", {}, element("div", { class: "scroll-x", tabindex: "0", role: "group", "aria-label": title }, drawn), element("ul", { class: "legend" }, kinds));
}
