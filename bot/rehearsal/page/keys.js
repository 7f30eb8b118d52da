// Keys that work everywhere on the page.

/** / goes to the composer and Escape closes the thread or the panel. */
export function listenToKeys(page) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && page.closeOne()) event.preventDefault();
    if (event.key === "/" && !typing(event.target)) {
      event.preventDefault();
      const { composer } = page.channelView;
      if (composer.field.value === "") composer.fill("/");
      composer.focus();
      composer.suggest();
    }
  });
}

function typing(target) {
  return target.matches("textarea, input, select");
}
