// Says politely, to those who listen to the page, what has changed. Never moves the focus.

let waiting = [];
let timer = 0;

/** Says it soon; what comes close together is said together. */
export function announce(sentence) {
  waiting.push(sentence);
  clearTimeout(timer);
  timer = setTimeout(() => {
    const said = waiting.length > 4 ? [`${waiting.length} changes in the queue`] : waiting;
    document.getElementById("announcer").textContent = said.join(". ");
    waiting = [];
  }, 400);
}
