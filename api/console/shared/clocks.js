// Times that go on: "4 min ago", "next in 4:12", "waiting 20 min". By the server's clock,
// whatever this one says.

const MINUTE = 60,
  HOUR = 3600,
  DAY = 86400;
let ahead = 0;

/** Learns how far the server's clock is ahead of this one, from a piece that it has just made. */
export function learnTime(text) {
  const moment = Date.parse(text);
  if (Number.isFinite(moment)) ahead = moment - Date.now();
}

/** The server's time now, in milliseconds. */
export function now() {
  return Date.now() + ahead;
}

/** How long it has gone on: `4 min`, `3 h`, `2 d`; in its first seconds `a moment`. */
export function length(moment) {
  const seconds = Math.abs(now() - moment) / 1000;
  for (const [size, unit] of [
    [DAY, "d"],
    [HOUR, "h"],
    [MINUTE, "min"],
  ])
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return seconds < 10 ? "a moment" : `${Math.floor(seconds)} s`;
}

/** How long since: `just now`, `4 min ago`, `3 h ago`, `2 d ago`. */
export function ago(moment) {
  const said = length(moment);
  return said === "a moment" ? "just now" : `${said} ago`;
}

/** How long still: `4:12`, `2 h 05 min`, `3 d 4 h`; `a moment` once it has come. */
export function countdown(moment) {
  const left = Math.floor((moment - now()) / 1000);
  if (left <= 0) return "a moment";
  const two = (number) => String(number).padStart(2, "0");
  const days = Math.floor(left / DAY),
    hours = Math.floor((left % DAY) / HOUR);
  const minutes = Math.floor((left % HOUR) / MINUTE);
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${two(minutes)} min` : `${minutes}:${two(left % MINUTE)}`;
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** How loudly a waiting time is shown; the same steps as in `times.py`. */
function age(moment) {
  const waited = (now() - moment) / 1000;
  if (waited >= HOUR) return "longest";
  return waited >= MINUTE * 15 ? "long" : "short";
}

const hours = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** The time of day, with its day unless that is today. */
function clock(moment) {
  const isToday = new Date(moment).toDateString() === new Date(now()).toDateString();
  return (isToday ? hours : days).format(moment);
}

const SAID = { ago, countdown, length, clock };

/** Brings the times inside `root` up to date. */
export function tick(root = document) {
  for (const time of root.querySelectorAll("time[data-time]")) {
    const moment = Date.parse(time.dateTime);
    const text = SAID[time.dataset.time](moment);
    if (time.textContent !== text) time.textContent = text;
    const aged = time.dataset.age && age(moment);
    if (aged && aged !== time.dataset.age) time.dataset.age = aged;
  }
}

/** The whole moment in this device's own zone, once somebody points at it: hundreds of them take
 * longer to say than anybody should wait. */
function sayExactly({ target }) {
  const time = target.closest?.("time[data-time]");
  if (!time || time.dataset.local) return;
  time.title = exact.format(Date.parse(time.dateTime));
  time.dataset.local = "yes";
}

/** Ticks for as long as the page is there. */
export function startClocks() {
  learnTime(document.getElementById("main").dataset.now);
  tick();
  document.addEventListener("pointerover", sayExactly, { passive: true });
  setInterval(tick, 1000);
}
