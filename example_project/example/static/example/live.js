// Keep the lists and the page of a file fresh: the server renders them, and this script fetches them again.

const PARTS = ["#files", "#films", "#asset"];

// Those that are the same stay: a film that plays goes on.
function replaceChildren(shown, found) {
  const [before, after] = [[...shown.childNodes], [...found.childNodes]];
  if (before.length !== after.length) shown.replaceChildren(...after);
  else after.forEach((node, index) => before[index].isEqualNode(node) || before[index].replaceWith(node));
}

async function refresh() {
  // Without an answer the page stays as it is: other events follow.
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of PARTS) {
    const shown = document.querySelector(part);
    const found = fresh.querySelector(part);
    if (!shown || !found) continue;
    const focused = shown.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    replaceChildren(shown, found);
    if (focused) shown.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

let planned;
function refreshSoon() {
  clearTimeout(planned);
  planned = setTimeout(refresh, 200);
}

// An upload was created, or has arrived; a file was judged.
document.addEventListener("largefiles:state", ({ detail: { upload } }) => {
  if (["sending", "paused", "received"].includes(upload.state)) refreshSoon();
});
document.addEventListener("largefiles:status", ({ detail: { asset } }) => {
  if (["ready", "rejected", "failed", "gone"].includes(asset.state)) refreshSoon();
});
document.addEventListener("largefiles:remove", refreshSoon);

// A page that comes back, of a tab or of the history, is old.
document.addEventListener("visibilitychange", () => document.hidden || refreshSoon());
addEventListener("pageshow", ({ persisted }) => persisted && refreshSoon());
