// Back and forward may show a page as it was left, whatever has happened since.

/** For a page that is not read again by itself: it is loaded anew. What is live wakes by itself. */
export function loadAnewOnReturn() {
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}
