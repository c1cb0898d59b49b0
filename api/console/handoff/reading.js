// What people pasted, made easy to read: code can be copied, and what is long is folded.

const FOLDED_FROM = 1.3;
const LINES = 20;
// What somebody has unfolded stays so, however often it is drawn anew.
const unfolded = new Set();

/** Looks at everything below `root` that was not looked at yet. */
export function easeReading(root) {
  for (const block of root.querySelectorAll(".prose pre:not(.block > pre)")) addCopy(block);
  for (const text of root.querySelectorAll("[data-folds]")) fold(text);
}

function addCopy(pre) {
  const block = document.createElement("div");
  block.className = "block";
  pre.replaceWith(block);
  pre.tabIndex = 0;
  const button = makeButton("Copy", async () => {
    button.textContent = (await copy(pre)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  button.classList.add("copy");
  block.append(pre, button);
}

/** Whether it could be copied; else it is selected. Browsers have a clipboard over https alone. */
async function copy(pre) {
  try {
    await navigator.clipboard.writeText(pre.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(pre);
    return document.execCommand("copy");
  }
}

function fold(text) {
  const key = `${text.closest("[data-key]").dataset.key} ${text.dataset.folds}`;
  text.removeAttribute("data-folds");
  const line = parseFloat(getComputedStyle(text).lineHeight) || 24;
  if (text.scrollHeight < LINES * line * FOLDED_FROM) return;
  const button = makeButton("", () => {
    if (!unfolded.delete(key)) unfolded.add(key);
    show();
  });
  function show() {
    const isFolded = !unfolded.has(key);
    text.classList.toggle("folded", isFolded);
    button.textContent = isFolded ? "Show all of it" : "Show less";
    button.setAttribute("aria-expanded", String(!isFolded));
  }
  show();
  text.after(button);
}

function makeButton(words, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = words;
  button.addEventListener("click", act);
  return button;
}
