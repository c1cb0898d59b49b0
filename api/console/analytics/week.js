// The hours of the week as a table whose cells are as strong as they are full. It is read as a table.

import { element } from "../shared/dom.js";
import { said } from "../shared/durations.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const STEPS = 5;

/** Monday to Sunday, as the reader's language has them. 2024 began on a Monday. */
function days() {
  const format = new Intl.DateTimeFormat(undefined, { weekday: "short" });
  return HOURS.slice(0, 7).map((day) => format.format(new Date(2024, 0, day + 1)));
}

function cell(hour, most) {
  if (!hour) return element("td", {}, element("span", { class: "hidden" }, "0"));
  const strength = Math.ceil((hour.created / most) * STEPS);
  const words = `${hour.created}, median time to claim ${said(hour.p50)}`;
  return element("td", { "data-heat": strength, title: words }, String(hour.created));
}

/** `hours`: `{weekday, hour, created, p50}`, those that have any. */
export function week(hours) {
  if (!hours.length) return element("p", { class: "faint" }, "Nothing yet.");
  const most = Math.max(...hours.map((one) => one.created));
  const at = new Map(hours.map((one) => [`${one.weekday} ${one.hour}`, one]));
  const head = element(
    "tr",
    {},
    element("td", {}),
    ...HOURS.map((hour) => element("th", { scope: "col" }, String(hour))),
  );
  const rows = days().map((name, day) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      ...HOURS.map((hour) => cell(at.get(`${day} ${hour}`), most)),
    ),
  );
  const table = element(
    "table",
    { class: "week" },
    element("caption", { class: "hidden" }, "Escalations by hour of the week"),
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
  return element("div", { class: "scrolls", tabindex: "0" }, table);
}
