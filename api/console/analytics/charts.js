// Two drawings, in SVG of our own: bars that lie, columns that stand. Each says itself in words.
// They are drawn for the width that they have, so that their text is as large as any other.

import { drawing, element } from "../shared/dom.js";

const ROW = 46,
  BAR = 10;
let made = 0;

/** One picture; where parts of it lead somewhere it is a group of them. */
function frame(title, description, width, height, ...content) {
  const id = `chart-${++made}`;
  return drawing(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: content.some((part) => part?.querySelector("a")) ? "group" : "img",
      "aria-labelledby": `${id}-title ${id}-desc`,
      class: "chart",
    },
    drawing("title", { id: `${id}-title` }, title),
    drawing("desc", { id: `${id}-desc` }, description),
    ...content,
  );
}

/** Draws into a box, and again whenever its width has become another. */
function fitted(draw) {
  const box = element("div", { class: "fitted" });
  let width = 0;
  new ResizeObserver(([entry]) => {
    const found = Math.floor(entry.contentRect.width);
    if (found && found !== width) box.replaceChildren(draw((width = found)));
  }).observe(box);
  return box;
}

function short(text, width) {
  const length = Math.max(4, Math.floor(width / 8));
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** The whole row leads there, so that a finger finds it. */
function linked(list, row, content) {
  if (!list) return content;
  return drawing("a", { href: list }, drawing("rect", { ...row, class: "row" }), content);
}

/** `rows`: `[label, number, words, where the list behind it is]`. */
export function bars(title, rows) {
  if (!rows.some(([, number]) => number)) return element("p", { class: "faint" }, "Nothing yet.");
  const most = Math.max(...rows.map(([, number]) => number));
  const said = rows.map(([label, , words]) => `${label}: ${words}`).join("; ");
  const line = ([label, number, words, list], at, width) => {
    const y = at * ROW;
    const length = (number / most) * width;
    return drawing(
      "g",
      {},
      drawing("title", {}, `${label}: ${words}`),
      linked(
        list,
        { x: 0, y, width, height: ROW - 2 },
        drawing(
          "text",
          { x: 0, y: y + 16, class: "label" },
          short(label, width - words.length * 8 - 16),
        ),
      ),
      drawing("text", { x: width, y: y + 16, "text-anchor": "end", class: "value" }, words),
      drawing("rect", { x: 0, y: y + 23, width, height: BAR, rx: BAR / 2, class: "trough" }),
      number
        ? drawing("rect", {
            x: 0,
            y: y + 23,
            width: Math.max(length, BAR),
            height: BAR,
            rx: BAR / 2,
            class: "bar",
          })
        : null,
    );
  };
  return fitted((width) =>
    frame(title, said, width, rows.length * ROW, ...rows.map((row, at) => line(row, at, width))),
  );
}

const HEIGHT = 180,
  FLOOR = 150,
  TOP = 22,
  NARROWEST = 5,
  LABEL = 64;

const sum = (day) => day.parts.reduce((total, [, number]) => total + number, 0);

/** Where the days are too many for the width, some that follow each other share a column. */
function gathered(days, width) {
  const each = Math.ceil(days.length / Math.floor(width / NARROWEST));
  if (each <= 1) return days;
  const groups = [];
  // Counted from the last, so that today's column is a whole one.
  for (let end = days.length; end > 0; end -= each)
    groups.unshift(days.slice(Math.max(end - each, 0), end));
  return groups.map((some) => ({
    label: some[0].label,
    until: some.at(-1).label,
    parts: some[0].parts.map(([kind], at) => [
      kind,
      some.reduce((total, day) => total + day.parts[at][1], 0),
    ]),
  }));
}

function column(day, at, { most, step }) {
  let y = FLOOR;
  const pieces = day.parts
    .filter(([, number]) => number > 0)
    .map(([kind, number]) => {
      const height = (number / most) * (FLOOR - TOP);
      y -= height;
      return drawing("rect", {
        x: at * step + step * 0.15,
        y,
        width: step * 0.7,
        height,
        class: `part ${key(kind)}`,
      });
    });
  const words = day.parts.map(([kind, number]) => `${number} ${kind}`).join(", ");
  const when = day.until && day.until !== day.label ? `${day.label} to ${day.until}` : day.label;
  return drawing("g", {}, drawing("title", {}, `${when}: ${words}`), ...pieces);
}

/** The last day is named always, the others where there is room. */
function labels(days, width) {
  const step = width / days.length;
  const every = Math.max(1, Math.ceil(LABEL / step));
  const named = days
    .map((day, at) => [day, at])
    .filter(([, at]) => (days.length - 1 - at) % every === 0);
  return named
    .map(([day, at]) => [
      day,
      at === days.length - 1 ? width : (at + 0.5) * step,
      at === days.length - 1 ? "end" : "middle",
    ])
    .filter(([, x, anchor]) => anchor === "end" || x > LABEL / 3)
    .map(([day, x, anchor]) =>
      drawing(
        "text",
        { x, y: HEIGHT - 10, "text-anchor": anchor, class: "label" },
        (day.until ?? day.label).slice(5),
      ),
    );
}

const key = (kind) => kind.replaceAll(" ", "-");

/** `days`: `{label, parts: [[kind, number], …]}`, one column each, its parts piled up. */
export function columns(title, days) {
  const said =
    days
      .filter(sum)
      .map((day) => `${day.label}: ${sum(day)}`)
      .join("; ") || "none";
  const draw = (width) => {
    const shown = gathered(days, width);
    const most = Math.max(1, ...shown.map(sum));
    const step = width / shown.length;
    return frame(
      title,
      said,
      width,
      HEIGHT,
      drawing("line", { x1: 0, x2: width, y1: FLOOR, y2: FLOOR, class: "axis" }),
      drawing("line", { x1: 0, x2: width, y1: TOP, y2: TOP, class: "axis faint-line" }),
      drawing("text", { x: 0, y: TOP - 7, class: "label" }, String(most)),
      ...shown.map((day, at) => column(day, at, { most, step })),
      ...labels(shown, width),
    );
  };
  const kinds = days[0].parts.map(([kind]) =>
    element(
      "li",
      { class: "key" },
      element("span", { class: `swatch ${key(kind)}`, "aria-hidden": "true" }),
      kind,
    ),
  );
  return element("div", {}, fitted(draw), element("ul", { class: "legend" }, kinds));
}
