// What is looked for among the rows that are shown: in their titles, people, teams and priorities.

/** Shows the rows whose title, people and priority have every word that is looked for. */
export function showSought(rows, sought) {
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const text = row.dataset.search.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
  for (const heading of document.querySelectorAll("#rows > .group"))
    heading.hidden = !hasShown(heading);
  const finds = !sought || rows.some((row) => !row.hidden);
  document.getElementById("nothing").hidden = finds;
  document.getElementById("sought").textContent = sought;
  document.getElementById("everywhere").href = `/search?${new URLSearchParams({ q: sought })}`;
  document.querySelector("#board .calm")?.toggleAttribute("hidden", !finds);
  for (const link of document.querySelectorAll("#board a[href^='/?']"))
    link.href = withSearch(link.href, sought);
}

/** Whether anything stands below a heading. */
function hasShown(heading) {
  let next = heading.nextElementSibling;
  while (next?.matches(".row[hidden]")) next = next.nextElementSibling;
  return Boolean(next?.matches(".row"));
}

/** The address with what is looked for in it. */
export function withSearch(link, sought) {
  return withNamed(link, "q", sought);
}

/** The address with a handoff opened beside the list, or with none. */
export function withOpened(link, key) {
  return withNamed(link, "open", key);
}

/** The address of the list from its beginning on. */
export function fromItsBeginning(link) {
  return withNamed(link, "page", "");
}

/** Whether the list has more rows than are shown: then the server looks among all of them. */
export function isLong() {
  return document.getElementById("rows").hasAttribute("data-long");
}

function withNamed(link, name, value) {
  const made = new URL(link, location.href);
  if (value) made.searchParams.set(name, value);
  else made.searchParams.delete(name);
  return made.pathname + made.search;
}

/** What the address says of the list, whatever is opened beside it. */
export function listAsked() {
  return new URL(withOpened(location.href, ""), location.href).search;
}
