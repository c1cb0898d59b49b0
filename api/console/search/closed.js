// What has closed: each day has its heading, in the zone of whoever reads.

import { loadAnewOnReturn } from "../shared/back.js";
import { element } from "../shared/dom.js";
import { startList } from "./list.js";

const days = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

function arrange() {
  const list = document.getElementById("finds");
  for (const heading of list.querySelectorAll(".day")) heading.remove();
  let before = "";
  for (const row of list.querySelectorAll(".find")) {
    const day = days.format(new Date(row.dataset.at));
    if (day !== before) row.before(element("li", { class: "day" }, element("h2", {}, day)));
    before = day;
  }
}

loadAnewOnReturn();
startList(arrange);
