// The rows of the list, by their handoffs.

/** The row of a handoff, if it is shown. */
export function rowWith(key) {
  return key ? document.querySelector(`#rows > [data-key="${CSS.escape(key)}"]`) : null;
}
