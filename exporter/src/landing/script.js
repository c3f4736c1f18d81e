// Keeps the landing page up to date: asks for the same page again and puts what is new into the one that is open. What is
// open stays open, the focus stays where it is, and nothing is asked for while nobody looks.
"use strict";
(() => {
  const EVERY = 2000;
  const LONGEST = 30000;
  const element = (id) => document.getElementById(id);
  const [live, news, pause] = [element("live"), element("news"), element("pause")];
  let [etag, timer, wait, isPaused, failedAt] = ["", 0, EVERY, false, null];

  const clock = (date) => date.toLocaleTimeString([], { hour12: false });

  const say = () => {
    if (isPaused) live.textContent = "Paused";
    else if (failedAt) live.textContent = `Not reachable since ${clock(failedAt)}, trying again`;
    else live.textContent = "Live";
  };

  // How long ago, in one unit: the first thing that people calculate.
  const ago = (time) => {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
    const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
    const [size, name] = units.find(([size]) => seconds >= size) ?? [1, "s"];
    return `${Math.floor(seconds / size)} ${name} ago`;
  };

  const tellTimes = () => {
    for (const time of document.querySelectorAll(".when time")) {
      let told = time.querySelector(".ago");
      if (!told) {
        told = document.createElement("span");
        told.className = "ago";
        time.append(told);
        time.title = `${new Date(time.dateTime).toLocaleString()} local time`;
      }
      const text = ago(time.dateTime);
      if (told.textContent !== text) told.textContent = text;
      time.classList.toggle("recent", !text.includes(" d "));
    }
  };

  // Puts a region of the new page into this one, unless it is in use.
  const replace = (id, page) => {
    const [old, fresh] = [element(id), page.getElementById(id)];
    if (!old || !fresh || old.contains(document.activeElement)) return;
    for (const details of fresh.querySelectorAll("details[id]")) {
      details.open = element(details.id)?.open ?? false;
    }
    if (old.isEqualNode(fresh)) return;
    old.replaceWith(document.adoptNode(fresh));
  };

  // Rows never change: those that are there stay, so that what is open in them does, too.
  const takeRows = (page) => {
    const [old, fresh] = [element("rows"), page.getElementById("rows")];
    const rows = fresh ? [...fresh.rows] : [];
    const isNew = (row) => !element(row.id);
    const came = rows.filter(isNew);
    if (!old || !fresh) {
      replace("table", page);
      return came;
    }
    const ids = new Set(rows.map((row) => row.id));
    let next = old.firstElementChild;
    for (const row of rows) {
      const there = element(row.id);
      if (there && there === next) {
        next = next.nextElementSibling;
        continue;
      }
      const moved = there ?? document.adoptNode(row);
      if (!there) moved.classList.add("new");
      old.insertBefore(moved, next);
    }
    for (const row of [...old.rows]) {
      // Whoever reads a row keeps it, even if it has left the page.
      if (!ids.has(row.id) && !row.contains(document.activeElement) && !row.querySelector("details[open]")) row.remove();
    }
    return came;
  };

  const tell = (came) => {
    if (came.length === 0) return;
    const [name, signal] = [".name", ".badge"].map((part) => came[0].querySelector(part)?.textContent ?? "");
    const others = came.length > 1 ? `, and ${came.length - 1} more` : "";
    news.textContent = `New: ${name} died of ${signal}${others}`;
  };

  const take = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!page.getElementById("main")) return;
    // After an update of the exporter the page needs its new script.
    const script = page.querySelector("script[src]")?.getAttribute("src");
    if (script !== document.querySelector("script[src]").getAttribute("src")) {
      location.reload();
      return;
    }
    tell(takeRows(page));
    for (const id of ["state", "chart", "found", "pages", "health"]) replace(id, page);
    tellTimes();
  };

  const ask = async () => {
    const headers = etag ? { "If-None-Match": etag } : {};
    const signal = AbortSignal.timeout(10000);
    const answer = await fetch(location.pathname + location.search, { headers, signal, cache: "no-store" });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(answer.statusText);
    etag = answer.headers.get("ETag") ?? "";
    take(await answer.text());
  };

  const round = async () => {
    try {
      await ask();
      [wait, failedAt] = [EVERY, null];
    } catch {
      wait = Math.min(wait * 2, LONGEST);
      failedAt ??= new Date();
    }
    say();
    tellTimes();
    plan();
  };

  const plan = () => {
    clearTimeout(timer);
    if (!isPaused && !document.hidden) timer = setTimeout(round, wait);
  };

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Go on" : "Pause";
    say();
    plan();
  });
  document.addEventListener("visibilitychange", () => {
    wait = EVERY;
    plan();
  });
  tellTimes();
  // The answer to a question that was not understood does not change.
  if (document.querySelector(".error")) return;
  pause.hidden = false;
  say();
  plan();
})();
