// Bars say where they lie in data-css: pages carry no style of their own.
const lay = () => {
  for (const bar of document.querySelectorAll("[data-css]")) bar.style.cssText = bar.dataset.css;
};
lay();
document.addEventListener("renewed", lay);
