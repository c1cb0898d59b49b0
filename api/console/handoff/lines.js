// A long text as rows of one height: where each begins, which line it is of, where words stand.
// Nothing here touches the page, so ten megabytes are a matter of tenths of a second.

const ESCAPE = String.fromCharCode(27);
const COLOURS = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, "g");
const MOST_FOUND = 10000;

/** Without the escapes by which terminals colour it. */
export function plain(text) {
  return text.includes(ESCAPE) ? text.replace(COLOURS, "") : text;
}

/** `{starts, numbers}`: rows of at most `columns` characters; a number is 0 where a line goes on. */
export function rowsOf(text, columns) {
  const starts = [];
  const numbers = [];
  let line = 0;
  for (let begin = 0; begin < text.length || line === 0;) {
    const found = text.indexOf("\n", begin);
    const end = found < 0 ? text.length : found;
    line += 1;
    starts.push(begin);
    numbers.push(line);
    for (let at = begin + columns; at < end; at += columns) {
      starts.push(at);
      numbers.push(0);
    }
    begin = end + 1;
  }
  return { starts, numbers, lines: line };
}

/** The row in which the character at `place` stands. */
export function rowAt(starts, place) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where the words stand, whatever their case; the first ten thousand places. */
export function placesOf(text, words) {
  if (!words) return [];
  const sought = new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
  const found = [];
  for (const { index } of text.matchAll(sought)) {
    found.push(index);
    if (found.length === MOST_FOUND) break;
  }
  return found;
}
