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
