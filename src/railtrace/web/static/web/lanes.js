// A bar follows the pointer between lanes: `over` while it moves, `dropped` where it is let go,
// `ended` in any case. Places are told by the bar's beginning, not by where it was gripped.
function followPointer(start, bar, lanes, { over, dropped, ended }) {
  const grip = start.clientX - bar.getBoundingClientRect().left;
  let moved = false;
  bar.setPointerCapture(start.pointerId);
  const under = (event) => {
    bar.style.pointerEvents = "none";
    const lane = document.elementFromPoint(event.clientX, event.clientY)?.closest(lanes);
    bar.style.pointerEvents = "";
    return lane;
  };
  const move = (event) => {
    const dx = event.clientX - start.clientX, dy = event.clientY - start.clientY;
    moved = moved || Math.abs(dx) + Math.abs(dy) > 6;
    if (!moved) return;
    bar.style.transform = `translate(${dx}px, ${dy}px)`;
    const lane = under(event);
    if (lane) over(lane, event.clientX - grip);
  };
  const end = (event) => {
    bar.removeEventListener("pointermove", move);
    bar.style.transform = "";
    ended();
    if (!moved || event.type === "pointercancel") return;
    const lane = under(event);
    if (lane) dropped(lane, event.clientX - grip);
  };
  bar.addEventListener("pointermove", move);
  bar.addEventListener("pointerup", end, { once: true });
  bar.addEventListener("pointercancel", end, { once: true });
}

// Bars of a board are moved between lanes and hours, by pointer or by keys: Enter lifts a bar, arrows
// move it by an hour (with Shift a quarter) and between lanes, Enter lets it go, Escape leaves it where
// it was. Where it would stand, and who is in its way, is said meanwhile.
//   board, lane, bar : selectors; a board says its zone, its start and its span [us], a bar its hours
//   alike : whether another bar of a lane is the same thing and not in the way
//   hold : hears that a bar is, or is no longer, in hand
//   drop : what is done where a bar is let go
function moveBars({ board, lane, bar: movable, said, alike = () => false, hold = () => {}, drop }) {
  const HOUR_US = 3600e6;
  const of = (element) => element.closest(board);
  const lanesOf = (element) => [...of(element).querySelectorAll(lane)];
  const toQuarter = (us) => Math.round(us / (HOUR_US / 4)) * (HOUR_US / 4);

  function hourOf(there, x) {
    const box = there.getBoundingClientRect();
    const share = Math.min(Math.max((x - box.left) / box.width, 0), 1);
    return toQuarter(Number(of(there).dataset.start) + share * Number(of(there).dataset.span));
  }

  function inTheWay(bar, there, from) {
    const to = from + Number(bar.dataset.to) - Number(bar.dataset.from);
    return [...there.querySelectorAll("[data-from]")].filter((other) => other !== bar && !alike(bar, other)
      && Number(other.dataset.from) < to && Number(other.dataset.to) > from);
  }

  function tell(bar, there, from) {
    const others = inTheWay(bar, there, from);
    const when = new Intl.DateTimeFormat(document.documentElement.lang, {
      day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", timeZone: of(there).dataset.zone,
    }).format(new Date(from / 1000));
    const place = `${there.dataset.name}, ${when}`;
    said.textContent = others.length
      ? `${place} · ${said.dataset.busy}: ${others.map((other) => other.title).join(", ")}` : place;
    said.hidden = false;
    said.classList.toggle("warn", others.length > 0);
    bar.classList.toggle("board-conflict", others.length > 0);
  }

  document.addEventListener("pointerdown", (start) => {
    const bar = start.target.closest(`${board} ${movable}`);
    if (!bar || start.button !== 0 || start.target.closest("a,button,summary,form")) return;
    const was = bar.className;
    hold(bar, true);
    followPointer(start, bar, lane, {
      over: (there, x) => tell(bar, there, hourOf(there, x)),
      dropped: (there, x) => drop(bar, there, hourOf(there, x)),
      ended: () => { hold(bar, false); said.hidden = true; bar.className = was; },
    });
  });

  let lifted;

  function lift(bar) {
    lifted = { bar, home: bar.parentElement, css: bar.style.cssText, was: bar.className,
      lane: lanesOf(bar).indexOf(bar.parentElement), from: toQuarter(Number(bar.dataset.from)) };
    bar.classList.add("board-lifted");
    hold(bar, true);
    show();
  }

  function show() {
    const { bar, from } = lifted;
    const there = lanesOf(bar)[lifted.lane];
    there.append(bar);
    const share = (from - Number(of(bar).dataset.start)) / Number(of(bar).dataset.span);
    bar.style.left = `${Math.min(Math.max(100 * share, 0), 99)}%`;
    tell(bar, there, from);
    bar.focus();
  }

  function leave() {
    const { bar, home, css, was } = lifted;
    home.append(bar);
    bar.style.cssText = css;
    bar.className = was;
    said.hidden = true;
    hold(bar, false);
    lifted = undefined;
    bar.focus();
  }

  document.addEventListener("keydown", (event) => {
    const bar = event.target.closest?.(`${board} ${movable}`);
    if (!bar || event.target !== bar) return;
    const key = event.key === " " ? "Enter" : event.key;
    if (lifted && lifted.bar !== bar) leave();
    if (!lifted && key !== "Enter") return;
    const step = event.shiftKey ? HOUR_US / 4 : HOUR_US;
    const moves = { ArrowLeft: [0, -step], ArrowRight: [0, step], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (key !== "Enter" && key !== "Escape" && !moves[key]) return;
    event.preventDefault();
    if (!lifted) return lift(bar);
    if (key === "Escape") return leave();
    if (key === "Enter") return drop(bar, lanesOf(bar)[lifted.lane], lifted.from);
    lifted.lane = Math.min(Math.max(lifted.lane + moves[key][0], 0), lanesOf(bar).length - 1);
    lifted.from += moves[key][1];
    show();
  });
}
