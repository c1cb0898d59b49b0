// A button whose press is under way shows it, and is not pressed a second time meanwhile.

/** What `act` answers with, or null when the button was busy already. */
export async function whileBusy(button, act) {
  if (button.getAttribute("aria-busy") === "true") return null;
  button.setAttribute("aria-busy", "true");
  try {
    return await act();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

const LONG = 2000;

/** `say` gets a word while the answer of `act` is long in coming. */
export async function sayingSo(say, act) {
  const late = setTimeout(() => say("Still under way…"), LONG);
  try {
    return await act();
  } finally {
    clearTimeout(late);
  }
}
