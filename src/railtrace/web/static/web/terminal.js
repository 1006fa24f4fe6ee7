// A reader types the badge and Enter: the next thing is the PIN.
const badge = document.getElementById("badge"), pin = document.getElementById("pin");

badge?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || pin.value) return;
  event.preventDefault();
  pin.focus();
});

document.querySelectorAll("[data-digit]").forEach((key) =>
  key.addEventListener("click", () => {
    pin.value = key.dataset.digit ? pin.value + key.dataset.digit : "";
    if (matchMedia("(pointer: fine)").matches) pin.focus();
  }),
);
