// What people pasted, made easy to read: code can be copied, and what is long is folded.

const FOLDED_FROM = 1.3;
const LINES = 20;

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
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  button.classList.add("copy");
  block.append(pre, button);
}

function fold(text) {
  text.removeAttribute("data-folds");
  const line = parseFloat(getComputedStyle(text).lineHeight) || 24;
  if (text.scrollHeight < LINES * line * FOLDED_FROM) return;
  text.classList.add("folded");
  const button = makeButton("Show all of it", () => {
    const isFolded = text.classList.toggle("folded");
    button.textContent = isFolded ? "Show all of it" : "Show less";
    button.setAttribute("aria-expanded", String(!isFolded));
  });
  button.setAttribute("aria-expanded", "false");
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
