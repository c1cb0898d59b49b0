// Times that go on: "4 min ago", "next in 4:12". By the server's clock, whatever this one says.

const MINUTE = 60, HOUR = 3600, DAY = 86400;
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

/** How long since: `just now`, `4 min ago`, `3 h ago`, `2 d ago`. */
export function ago(moment) {
  const seconds = Math.abs(now() - moment) / 1000;
  for (const [size, unit] of [[DAY, "d"], [HOUR, "h"], [MINUTE, "min"]])
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  return seconds < 10 ? "just now" : `${Math.floor(seconds)} s ago`;
}

/** How long still: `4:12`, `2 h 05 min`, `3 d 4 h`; `a moment` once it has come. */
export function countdown(moment) {
  const left = Math.floor((moment - now()) / 1000);
  if (left <= 0) return "a moment";
  const two = (number) => String(number).padStart(2, "0");
  const days = Math.floor(left / DAY), hours = Math.floor((left % DAY) / HOUR);
  const minutes = Math.floor((left % HOUR) / MINUTE);
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${two(minutes)} min` : `${minutes}:${two(left % MINUTE)}`;
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** Brings the times inside `root` up to date. */
export function tick(root = document) {
  for (const time of root.querySelectorAll("time[data-time]")) {
    const moment = Date.parse(time.dateTime);
    const text = time.dataset.time === "countdown" ? countdown(moment) : ago(moment);
    if (time.textContent !== text) time.textContent = text;
    if (!time.dataset.local) {
      time.title = exact.format(moment);
      time.dataset.local = "yes";
    }
  }
}

/** Ticks for as long as the page is there. */
export function startClocks() {
  learnTime(document.getElementById("main").dataset.now);
  tick();
  setInterval(tick, 1000);
}
