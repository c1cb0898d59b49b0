// A long text as rows of one height: where each begins, which line it is of, where words stand.
// Nothing here touches the page, so ten megabytes are a matter of tenths of a second.

const ESCAPE = String.fromCharCode(27);
const COLOURS = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, "g");
const MOST_FOUND = 10000;
const TAB = 9;
const STOP = 8;
// What is not one column wide for sure.
const SPECIAL = /[^\x20-\x7e\r\n]/g;
const JOINER = 0x200d;
const MOST_JOINED = 4;

/** Without the escapes by which terminals colour it. */
export function plain(text) {
  return text.includes(ESCAPE) ? text.replace(COLOURS, "") : text;
}

/** `{starts, numbers}`: rows of at most `columns`; a number is 0 where a line goes on. `widthOf` tells
 * how many columns a letter takes, by its code point. */
export function rowsOf(text, columns, widthOf = () => 1) {
  const starts = [];
  const numbers = [];
  let line = 0;
  let special = -1;
  const goesOn = (at) => {
    starts.push(at);
    numbers.push(0);
  };
  for (let begin = 0; begin < text.length || line === 0;) {
    const found = text.indexOf("\n", begin);
    const end = found < 0 ? text.length : found;
    line += 1;
    starts.push(begin);
    numbers.push(line);
    if (special < begin) special = placeOfSpecial(text, begin);
    if (special < end) wrap(text, begin, end, { columns, widthOf, goesOn });
    else for (let at = begin + columns; at < end; at += columns) goesOn(at);
    begin = end + 1;
  }
  return { starts, numbers, lines: line };
}

function placeOfSpecial(text, begin) {
  SPECIAL.lastIndex = begin;
  return SPECIAL.exec(text)?.index ?? text.length;
}

/** Letters of any width. What takes none, and what is joined to the letter before it, stays with it,
 * unless there is no end of it. */
function wrap(text, begin, end, { columns, widthOf, goesOn }) {
  let start = begin;
  let used = 0;
  let before = 0;
  for (let at = begin; at < end;) {
    const code = text.codePointAt(at);
    const width = () => (code === TAB ? STOP - (Math.floor(used) % STOP) : widthOf(code));
    const isFull = used + width() > columns && widthOf(code) > 0 && before !== JOINER;
    if (at > start && (isFull || at - start > columns * MOST_JOINED)) {
      goesOn(at);
      start = at;
      used = 0;
    }
    used += width();
    before = code;
    at += code > 0xffff ? 2 : 1;
  }
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
