"use strict";
// What is more comfortable with a script: filters, search, copying, and opening what a link points to. All of what they
// act on is there without one.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // A link into what is folded opens it.
  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    target.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", reveal);
  reveal();

  for (const button of all(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = button.closest(".copied").querySelector(button.dataset.copies), told = button.textContent;
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source);
        button.textContent = "Press Ctrl+C";
      }
      setTimeout(() => { button.textContent = told; }, 2000);
    });
  }

  const holder = document.getElementById("data");
  if (!holder) return;
  const data = JSON.parse(holder.textContent);
  const form = document.getElementById("filters");
  const search = document.getElementById("q");
  const shown = document.getElementById("shown");
  const tables = all(".matrix");
  const rows = tables.flatMap((table) => all("tbody tr", table));
  const lines = rows.map((row, i) => {
    const link = row.cells[0].firstElementChild;
    const field = row.closest(".field");
    return {
      row, field, entries: data.lines[i], link, words: `${link.textContent} ${link.title} ${field.dataset.field}`.toLowerCase(),
      cells: data.columns.map((_, c) => row.cells[c + 1]),
    };
  });
  const findings = all(".finding").map((element) => ({ element, words: element.textContent.toLowerCase() }));
  const style = document.head.appendChild(document.createElement("style"));
  const drawn = lines.map((line) => line.cells.map((cell) => [cell.className, cell.innerHTML, cell.getAttribute("style")]));
  let isNarrowed = false;

  const index = (names, name) => (name ? names.indexOf(name) : -1);

  function draw(cell, entries) {
    if (!entries.length) { cell.className = ""; cell.textContent = ""; cell.removeAttribute("style"); return; }
    const silent = ["inconclusive", "not run"].map((v) => data.verdicts.indexOf(v));
    const ran = entries.filter((e) => !silent.includes(e[3]));
    const judged = ran.length ? ran : entries;
    const worst = judged.reduce((a, b) => (data.severities[b[3]] > data.severities[a[3]] ? b : a))[3];
    const same = entries.filter((e) => e[3] === worst);
    const known = worst !== 0 && same.every((e) => e[4] >= 0);
    const share = Math.max(...entries.map((e) => e[5]));
    const holds = worst === 0 && share >= 0;
    cell.className = data.classes[worst] + (known ? " k" : "");
    cell.textContent = holds ? (share ? (share / 100).toFixed(2).replace(/^0/, "") : "0") : data.glyphs[worst];
    if (holds && share >= 5) cell.setAttribute("style", `--r:${(share / 100).toFixed(1)}`); else cell.removeAttribute("style");
    if (!holds) {
      const words = document.createElement("span");
      words.className = "sr";
      words.textContent = ` ${data.verdicts[worst]}${known ? ", recorded" : ""}`;
      cell.append(words);
    }
  }

  function restore(cell, [classes, inside, style]) {
    cell.className = classes;
    cell.innerHTML = inside;
    if (style === null) cell.removeAttribute("style"); else cell.setAttribute("style", style);
  }

  function apply() {
    const asked = Object.fromEntries(new FormData(form));
    const text = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = index(data.verdicts, asked.verdict), kind = index(data.kinds, asked.kind);
    const dtype = index(data.dtypes, asked.dtype), mode = index(data.modes, asked.mode);
    const column = data.columns.map(([backend, device, width]) =>
      (!asked.backend || backend === asked.backend) && (!asked.device || device === asked.device) &&
      (!asked.dtype || width === data.widths[asked.dtype]));
    const narrows = mode >= 0 || dtype >= 0;
    const isAsked = text.length > 0 || Object.values(asked).some(Boolean);
    const words = text.filter((w) => !data.columns.some((c) => c[0] === w));
    const named = data.columns.map((c) => text.includes(c[0]));
    const wanted = column.map((ok, c) => ok && (!named.includes(true) || named[c]));
    let count = 0;
    lines.forEach((line, i) => {
      const entries = line.entries.filter((e) => wanted[e[0]] && (dtype < 0 || e[1] === dtype) && (mode < 0 || e[2] === mode));
      const hit = words.every((w) => line.words.includes(w)) && (!asked.field || line.field.dataset.field === asked.field) &&
        (!isAsked || entries.some((e) => (verdict < 0 || e[3] === verdict) && (kind < 0 || e[4] === kind)));
      line.row.hidden = !hit;
      count += hit;
      if (narrows && hit) line.cells.forEach((cell, c) => draw(cell, entries.filter((e) => e[0] === c)));
      else if (isNarrowed && !narrows) line.cells.forEach((cell, c) => restore(cell, drawn[i][c]));
    });
    isNarrowed = narrows;
    style.textContent = wanted.map((ok, c) => (ok ? "" : `.matrix tr>:nth-child(${c + 2}):not([data-place]){display:none}`)).join("");
    for (const table of tables) for (const head of all("[data-place]", table)) {
      const span = wanted.filter((ok, c) => ok && data.columns[c][3] === head.dataset.place).length;
      head.hidden = !span;
      head.style.display = span ? "" : "none";
      head.colSpan = Math.max(span, 1);
    }
    for (const field of all(".field")) {
      const hits = all("tbody tr:not([hidden])", field).length;
      field.hidden = !hits;
      if (isAsked && hits && count <= 200) field.open = true;
    }
    for (const { element: e, words: w } of findings) {
      const has = (name, value) => !value || e.dataset[name].split(" ").includes(value);
      e.hidden = !(has("backend", asked.backend) && has("kind", asked.kind) && has("verdict", asked.verdict) && has("words", asked.dtype) &&
        has("words", asked.mode) && text.every((t) => w.includes(t)));
    }
    for (const group of all("details.group")) {
      const members = all(".finding", group);
      if (!members.length) continue;
      const left = members.filter((m) => !m.hidden).length;
      group.hidden = !left;
      group.querySelector(".count").textContent = left === members.length ? left : `${left} of ${members.length}`;
      if (isAsked && left && left <= 20) group.open = true;
    }
    shown.textContent = `${count} of ${lines.length} functions`;
    const query = new URLSearchParams(Object.entries({ ...asked, q: search.value.trim() }).filter(([, v]) => v)).toString();
    try { history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`); } catch { /* a page without an address */ }
  }

  form.hidden = false;
  search.disabled = false;
  const given = new URLSearchParams(location.search);
  for (const [name, value] of given) {
    if (name === "q") search.value = value;
    else if (form.elements[name]) form.elements[name].value = value;
  }
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(() => { search.value = ""; apply(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 80); });
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    event.preventDefault();
    search.focus();
  });
  for (const table of tables) {
    all("tbody tr", table).forEach((row) => row.classList.add("clickable"));
    table.addEventListener("click", (event) => {
      const cell = event.target.closest("td[class]");
      if (cell && cell.className) cell.parentElement.cells[0].firstElementChild.click();
    });
  }
  apply();
})();
