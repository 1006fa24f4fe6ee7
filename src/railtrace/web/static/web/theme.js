// Runs before the first paint: a dark device gets a dark page without a flash.
(() => {
  const root = document.documentElement;
  if (root.dataset.theme === "" && matchMedia("(prefers-color-scheme: dark)").matches) {
    root.dataset.bsTheme = "dark";
  }
})();
